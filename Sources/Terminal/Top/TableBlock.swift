internal import Attribution
internal import Formatting

/// The rows that fit a screen, the selected one among them. The others become one row, so that what is seen adds up.
struct TableBlock {
  private let table: TopTable
  private let selected: Int?
  private let order: TopTable.Order
  private let characters: GraphCharacters

  /// - Parameters:
  ///   - table: with the rows to choose from.
  ///   - selected: the place of the selected row; nil for none.
  init(_ table: TopTable, selected: Int?, order: TopTable.Order, characters: GraphCharacters) {
    (self.table, self.selected, self.order, self.characters) = (table, selected, order, characters)
  }

  /// Heading, rows, and below them the rows of their own with the total, in at most this many lines.
  func lines(_ size: ScreenSize) -> [StyledLine] {
    guard size.rows >= 2 else { return [] }
    var shown = table
    let hasFolded = table.others.contains { $0.id == nil }
    var room = size.rows - 1
    let rest = table.others.count + 1
    // Too small for what must be seen to add up: only rows.
    let hasRest = room - rest - 1 >= 3
    if hasRest { room -= rest }
    if table.rows.count > room {
      if hasRest && !hasFolded { room -= 1 }
      // The selected row in the middle, as far as there are rows on both sides.
      let begin = min(max((selected ?? 0) - room / 2, 0), table.rows.count - room)
      shown.keep(begin..<begin + room)
    }
    let chosen = selected.map { table.rows[$0].id }
    var all = shown.rows.map { (row: $0, cells: shown.cells($0), isSelected: $0.id == chosen) }
    if hasRest {
      all += shown.others.map { ($0, shown.cells($0), false) }
      all.append((shown.total, shown.cells(shown.total, isTotal: true), false))
    }
    let widths = widths(all.map(\.cells), size.columns)
    var heading = StyledLine("  ", .faint)
    for (index, width) in widths.enumerated() {
      heading.append(Columns.right(TopTable.headings[index], width), isSorted(index) ? .strong : .faint)
    }
    heading.append("  ")
    heading.append("name", order == .name ? .strong : .faint)
    return [heading]
      + all.map { row, cells, isSelected in
        var text = isSelected ? "> " : "  "
        for (cell, width) in zip(cells, widths) { text += Columns.right(cell, width) }
        text += "  " + name(row, shown)
        return isSelected ? StyledLine(text, .selected).fitted(to: size.columns) : StyledLine(text)
      }
  }

  private func name(_ row: TopTable.Row, _ table: TopTable) -> String {
    Words.narrow(table.description(row), characters)
  }

  private func isSorted(_ column: Int) -> Bool {
    switch order {
    case .watts: column == 0
    case .joules: column == 1
    case .cpu: column == 2
    case .name: false
    }
  }

  /// The widths of the columns that fit: a number is never cut.
  private func widths(_ cells: [[String]], _ width: Int) -> [Int] {
    var left = width - 2
    var widths: [Int] = []
    for (index, least) in [9, 11, 9].enumerated() {
      let wanted = max(least, (cells.map { $0[index].count }.max() ?? 0) + 2)
      guard wanted <= left else { break }
      widths.append(wanted)
      left -= wanted
    }
    return widths
  }
}
