internal import RAPL

/// The time that each column of a graph stands for.
struct TimeScale: Sendable, Equatable {
  /// The time of a column, in seconds.
  var columnSeconds: Double
  /// The number of columns.
  var columns: Int
  /// The end of the last column, in seconds since 1970.
  let end: Double

  /// A scale whose last column contains a moment.
  ///
  /// - Parameters:
  ///   - anchor: the end of a column, in seconds since 1970. Columns keep their place as time goes on, and if samples lie
  ///     on a grid, none is split.
  ///   - latest: the moment; the timestamp of a sample's end may be a little late.
  init(columns: Int, columnSeconds: Double, anchor: Double, latest: Double) {
    self.columns = columns
    self.columnSeconds = columnSeconds
    let number = ((latest - anchor) / columnSeconds - 0.1).rounded(.up)
    end = anchor + number * columnSeconds
  }

  /// The start of the first column, in seconds since 1970.
  var start: Double { end - Double(columns) * columnSeconds }

  /// The start of a column, in seconds since 1970.
  func start(ofColumn index: Int) -> Double { end - Double(columns - index) * columnSeconds }

  /// The column of a moment, which may be beyond either end.
  func column(at unixSeconds: Double) -> Int {
    Int(clamping: min(max((unixSeconds - start) / columnSeconds, -1), Double(columns)).rounded(.down))
  }
}
