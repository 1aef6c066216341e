/// A file that shows an energy counter, or what was captured of one.
protocol CounterFile: Sendable {
  /// Reads the counter now.
  ///
  /// - Parameter tolerance: how many nanoseconds the read may take before it counts as interrupted and is repeated.
  func read(toleranceNanoseconds tolerance: Int64) throws(SourceError) -> TimedValue

  /// The path of the file, if another file has taken that place since it was opened.
  var replacedPath: String? { get }
}

extension CounterFile {
  /// It is none that could be replaced.
  var replacedPath: String? { nil }
}
