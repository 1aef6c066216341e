internal import Attribution
internal import Formatting

extension TopView {
  private static let keys = [
    "q quit   w j c n sort   b rows   / filter   p pause   ? help", "q quit  / filter  p pause  ? help",
    "q quit  ? help", "q quit",
  ]

  /// The screen, from the top: at most as many lines as rows, none wider than the screen.
  ///
  /// - Parameter now: seconds since 1970.
  public func lines(size: ScreenSize, characters: GraphCharacters, now: Double) -> [StyledLine] {
    let (model, now) = (frozen?.model ?? model, frozen?.now ?? now)
    guard size.rows > 0, size.columns > 0 else { return [] }
    let table = table
    var top = [Headline.line(model, now: now, width: size.columns)]
    if size.rows >= 3 {
      let about = Words.first(of: estimate(table), fitting: size.columns)
      if !about.isEmpty { top.append(StyledLine(about, .faint)) }
      let most = max(size.rows / 8, 1)
      let sentences = notes(table) + Notes.sentences(model, now: now)
      let notes = sentences.flatMap { Words.wrapped($0, width: size.columns, most: most) }
      top += notes.prefix(most + 1).map { StyledLine($0, .warning) }
    }
    let bottom = size.rows >= 6 ? 1 : 0
    let left = ScreenSize(columns: size.columns, rows: size.rows - top.count - bottom)
    var lines = top
    if showsHelp {
      lines += TopHelp.lines(left)
    } else if let table {
      lines += body(table, left, characters)
    }
    if bottom > 0 {
      while lines.count < size.rows - bottom { lines.append(StyledLine()) }
      lines = Array(lines.prefix(size.rows - bottom)) + [keys(size.columns, characters)]
    }
    return lines.prefix(size.rows).map { $0.columns <= size.columns ? $0 : $0.fitted(to: size.columns) }
  }

  /// What the numbers are, the longest first.
  private func estimate(_ table: TopTable?) -> [String] {
    let since = table.map { " Joules of the last \(Numbers.duration($0.seconds))." } ?? ""
    return [
      "Who draws it, by \(grouping.rawValue): an estimate by CPU time.\(since)",
      "By \(grouping.rawValue), an estimate by CPU time.", "estimate by CPU time", "estimate",
    ]
  }

  private func notes(_ table: TopTable?) -> [String] {
    var notes = [refusal, note].compactMap(\.self)
    if table == nil, model.reading != nil { notes.append("Waiting for the second reading.") }
    if table?.rows.isEmpty == true {
      if !filter.isEmpty {
        notes.append("No row has the filter's text.")
      } else if !selection.isEmpty {
        notes.append("Nothing runs now that --pid or --unit names.")
      }
    }
    return notes
  }

  /// Table and graph, in at most this many rows.
  private func body(_ table: TopTable, _ size: ScreenSize, _ characters: GraphCharacters) -> [StyledLine] {
    let graphRows = size.rows >= 14 ? min(size.rows / 4, 8) : 0
    let block = TableBlock(table, selected: selected(in: table.rows), order: order, characters: characters)
    var lines = block.lines(ScreenSize(columns: size.columns, rows: size.rows - graphRows))
    guard graphRows > 0, let place = selected(in: table.rows) else { return lines }
    while lines.count < size.rows - graphRows { lines.append(StyledLine()) }
    let row = table.rows[place]
    let name = Words.narrow(table.description(row), characters)
    return lines + graph(row, name, ScreenSize(columns: size.columns, rows: graphRows), characters)
  }

  /// A row's watts in the latest windows, a column for each.
  private func graph(_ row: TopTable.Row, _ name: String, _ size: ScreenSize, _ characters: GraphCharacters)
    -> [StyledLine]
  {
    guard let id = row.id else { return [] }
    let series = content.series
    func drawing(_ labels: Int) -> (columns: [GraphColumn?], scale: WattScale) {
      let columns = series.columns(of: id, count: size.columns - labels)
      return (columns, WattScale(holding: columns.compactMap { $0?.watts }.max() ?? 0, rows: size.rows - 1))
    }
    func label(_ scale: WattScale) -> Int { (0...scale.rows).compactMap { scale.label(ofRow: $0)?.count }.max() ?? 0 }
    // The widest label decides which watts are visible, and they the labels.
    let labels = label(drawing(0).scale) + 2
    let (columns, scale) = drawing(labels)
    let watts = columns.compactMap { $0?.watts }
    let time = Numbers.duration(series.seconds(ofLatest: size.columns - labels))
    let most = watts.max().map { ", at most \(Numbers.watts($0))" } ?? ""
    let about = "   the last \(time)\(most)"
    var title = StyledLine(String(name.prefix(max(size.columns - about.count, 0))), .strong)
    if title.columns + about.count <= size.columns { title.append(about, .faint) }
    let rows = Graph.rows(columns, scale: scale, characters: characters)
    return [title]
      + rows.enumerated().map { index, row in
        // Labels are at the upper edges of rows; the lowest one is 0.
        let edge = scale.rows - index
        var line = Graph.side(scale.label(ofRow: edge), width: labels, characters: characters)
        line.append(row)
        return line
      }
  }

  private func keys(_ width: Int, _ characters: GraphCharacters) -> StyledLine {
    var line = StyledLine()
    if frozen != nil { line.append(Words.first(of: ["PAUSED   "], fitting: width), .warning) }
    let text = Words.narrow(filter, characters)
    if isTyping {
      // The end is where one types.
      line.append("/\(text.suffix(max(width - line.columns - 2, 0)))_", .strong)
      line.append(Words.first(of: ["   Enter keeps the filter, Esc clears it"], fitting: width - line.columns), .faint)
      return line
    }
    if !filter.isEmpty { line.append("filter: \(text)   ", .warning) }
    line.append(Words.first(of: Self.keys, fitting: width - line.columns), .faint)
    return line
  }
}
