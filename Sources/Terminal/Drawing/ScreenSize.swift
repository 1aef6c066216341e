/// How many characters fit on a terminal.
public struct ScreenSize: Sendable, Equatable {
  /// From left to right.
  public var columns: Int
  /// From top to bottom.
  public var rows: Int

  /// A size; never negative.
  public init(columns: Int, rows: Int) {
    self.columns = max(columns, 0)
    self.rows = max(rows, 0)
  }
}
