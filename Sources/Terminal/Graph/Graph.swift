internal import Formatting
internal import RAPL

/// Draws columns of watts as bars.
enum Graph {
  /// The rows of a graph from the top, each with one character for each column.
  static func rows(_ columns: [GraphColumn?], scale: WattScale, characters: GraphCharacters) -> [StyledLine] {
    (0..<scale.rows).reversed().map { row in
      var line = StyledLine()
      for column in columns {
        guard let column else {
          line.append(" ")
          continue
        }
        let (character, style) = cell(column, row: row, scale: scale, characters: characters)
        line.append(String(character), style)
      }
      return line
    }
  }

  /// The watts axis beside one row.
  ///
  /// - Parameter label: the watts; nil for no tick.
  static func side(_ label: String?, width: Int, characters: GraphCharacters) -> StyledLine {
    let tick = label == nil ? characters.side : characters.sideTick
    return StyledLine(Columns.right(label ?? "", width - 2) + " " + String(tick), .faint)
  }

  private static func cell(
    _ column: GraphColumn, row: Int, scale: WattScale, characters: GraphCharacters
  ) -> (Character, Style) {
    let levels = characters.levels
    let bottom = Double(row)
    // How much of the cell is filled. A measured column always shows something, so that it differs from an unmeasured one.
    let filled = column.watts / scale.wattsPerRow - bottom
    let level = min(Int(clamping: (filled * Double(levels.count)).rounded()), levels.count)
    if level > 0 || row == 0 {
      return column.isAsleep
        ? (filled >= 0.5 || row == 0 ? characters.asleep : " ", .asleep)
        : (levels[max(level, 1) - 1], .mean)
    }
    let reaches = column.mostWatts / scale.wattsPerRow - bottom >= 0.5
    return reaches && !column.isAsleep ? (characters.peak, .peak) : (" ", .plain)
  }
}
