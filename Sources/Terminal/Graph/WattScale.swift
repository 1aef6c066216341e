internal import Formatting

/// How many watts each row of a graph stands for, chosen so that labels are round.
struct WattScale: Sendable, Equatable {
  /// What one row is worth.
  let wattsPerRow: Double
  /// How many rows there are.
  let rows: Int

  private static let steps = [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8]

  /// The smallest scale that holds so many watts.
  init(holding most: Double, rows: Int) {
    self.rows = max(rows, 1)
    let wanted = max(most, 0.01) / Double(self.rows)
    var power = 0.001
    while power * 10 <= wanted { power *= 10 }
    // The steps are decimal, so that a scale is not one size too large for a rounding.
    wattsPerRow = (Self.steps + [10]).map { $0 * power }.first { $0 * 1.000001 >= wanted } ?? power * 10
  }

  /// What the top is worth.
  var top: Double { wattsPerRow * Double(rows) }

  /// How many rows there are from label to label.
  var rowsPerLabel: Int { rows >= 8 ? 4 : rows >= 4 ? 2 : rows }

  /// What the upper edge of a row is worth, where it has a label; rows count from 0 at the bottom, whose label is 0.
  func label(ofRow row: Int) -> String? {
    guard row % rowsPerLabel == 0 else { return nil }
    return Numbers.plain(wattsPerRow * Double(row), places: 3) + " W"
  }
}
