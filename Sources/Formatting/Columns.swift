/// Text in columns. Every character counts as one column wide.
public enum Columns {
  /// A text at the left of a column of this width.
  public static func left(_ text: String, _ width: Int) -> String {
    text + blanks(width - text.count)
  }

  /// A text at the right of a column of this width.
  public static func right(_ text: String, _ width: Int) -> String {
    blanks(width - text.count) + text
  }

  /// Rows with the same number of cells, as lines: the first column is aligned to the left, the others to the right, with two
  /// spaces between columns.
  public static func aligned(_ rows: [[String]]) -> [String] {
    let columns = rows.first?.indices ?? 0..<0
    let widths = columns.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      columns.map { column in
        column == 0 ? left(row[column], widths[column]) : right(row[column], widths[column])
      }.joined(separator: "  ")
    }
  }

  private static func blanks(_ count: Int) -> String { String(repeating: " ", count: max(count, 0)) }
}
