internal import RAPL

/// Which time each column of a graph stands for.
struct TimeScale: Sendable, Equatable {
  /// How long a column is, in seconds.
  var columnSeconds: Double
  /// How many columns there are.
  var columns: Int
  /// Where the last column ends, in seconds since 1970.
  let end: Double

  /// A scale whose last column holds a moment.
  ///
  /// - Parameters:
  ///   - anchor: where a column ends, in seconds since 1970. Columns keep their place as time goes on, and where samples
  ///     lie on a grid, none is split.
  ///   - latest: the moment; a sample's end may be stamped a little late.
  init(columns: Int, columnSeconds: Double, anchor: Double, latest: Double) {
    self.columns = columns
    self.columnSeconds = columnSeconds
    let number = ((latest - anchor) / columnSeconds - 0.1).rounded(.up)
    end = anchor + number * columnSeconds
  }

  /// Where the first column begins, in seconds since 1970.
  var start: Double { end - Double(columns) * columnSeconds }

  /// Where a column begins, in seconds since 1970.
  func start(ofColumn index: Int) -> Double { end - Double(columns - index) * columnSeconds }

  /// The column that a moment lies in, which may be beyond either end.
  func column(at unixSeconds: Double) -> Int {
    Int(clamping: min(max((unixSeconds - start) / columnSeconds, -1), Double(columns)).rounded(.down))
  }
}
