/// Where an energy counter's values come from: what tells one kind of source from another.
protocol CounterOrigin: Sendable {
  /// Reads the counter now.
  ///
  /// - Parameter tolerance: how many nanoseconds the read may take before it counts as interrupted and is repeated.
  mutating func read(toleranceNanoseconds tolerance: Int64) throws(SourceError) -> TimedValue

  /// The path of its file, if another file has taken that place since it was opened.
  var replacedPath: String? { get }
}

extension CounterOrigin {
  /// It has no file.
  var replacedPath: String? { nil }
}
