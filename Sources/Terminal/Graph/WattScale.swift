internal import Formatting

/// The watts that each row of a graph stands for, chosen so that labels are round numbers.
struct WattScale: Sendable, Equatable {
  /// The watts of one row.
  let wattsPerRow: Double
  /// The number of rows.
  let rows: Int

  private static let steps = [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8]

  /// The smallest scale that reaches this many watts.
  init(holding most: Double, rows: Int) {
    self.rows = max(rows, 1)
    let wanted = max(most, 0.01) / Double(self.rows)
    var power = 0.001
    while power * 10 <= wanted { power *= 10 }
    // The steps are decimal, so that a rounding error does not make the scale one size too large.
    wattsPerRow = (Self.steps + [10]).map { $0 * power }.first { $0 * 1.000001 >= wanted } ?? power * 10
  }

  /// The watts at the top.
  var top: Double { wattsPerRow * Double(rows) }

  /// The number of rows between labels.
  var rowsPerLabel: Int { rows >= 8 ? 4 : rows >= 4 ? 2 : rows }

  /// The label at the upper edge of a row, if it has one. Rows count from 0 at the bottom, whose label is 0.
  func label(ofRow row: Int) -> String? {
    guard row % rowsPerLabel == 0 else { return nil }
    return Numbers.plain(wattsPerRow * Double(row), places: 3) + " W"
  }
}
