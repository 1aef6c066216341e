internal import Formatting
internal import PowerProtocol

/// The graph with its scales, and the line below it.
struct GraphBlock {
  /// What is known.
  let model: WatchModel
  /// The time of a column.
  let columnSeconds: Double
  /// Seconds since 1970.
  let now: Double
  /// Whether it stands still.
  let isPaused: Bool
  /// What to draw with.
  let characters: GraphCharacters

  private static let leastWithScales = ScreenSize(columns: 30, rows: 8)

  /// The lines, exactly this many. The graph gets those that the rest leaves.
  func lines(_ size: ScreenSize) -> (lines: [StyledLine], legend: StyledLine) {
    guard size.rows > 0 else { return ([], StyledLine()) }
    let hasScales = size.columns >= Self.leastWithScales.columns && size.rows >= Self.leastWithScales.rows
    let hasSpan = size.rows >= 4
    let rows = size.rows - (hasSpan ? 1 : 0) - (hasScales ? 2 : 0)
    // The widest label decides the width, and the width decides which watts are visible, so this takes two rounds.
    var labels = 0
    var drawing = Drawing(self, columns: size.columns, rows: rows)
    if hasScales {
      labels = drawing.labelWidth + 2
      drawing = Drawing(self, columns: size.columns - labels, rows: rows)
      labels = max(drawing.labelWidth + 2, labels)
      drawing = Drawing(self, columns: size.columns - labels, rows: rows)
    }
    var lines: [StyledLine] = []
    if hasSpan {
      lines.append(
        SpanLine.line(
          drawing.span, seconds: Double(drawing.time.columns) * columnSeconds,
          hasEnergy: model.reading?.sample != nil, width: size.columns))
    }
    let graph = Graph.rows(drawing.columns, scale: drawing.watts, characters: characters)
    let legend = legend(graph)
    guard hasScales else { return (lines + graph, legend) }
    for (index, row) in graph.enumerated() {
      var line = Graph.side(drawing.watts.label(ofRow: rows - index), width: labels, characters: characters)
      line.append(row)
      lines.append(line)
    }
    let axis = TimeAxis.lines(drawing.time, now: isPaused ? "paused" : "now", characters: characters)
    let zero = drawing.watts.label(ofRow: 0) ?? ""
    lines.append(
      StyledLine(Columns.right(zero, labels - 2) + " " + String(characters.corner) + axis.line, .faint))
    lines.append(StyledLine(String(repeating: " ", count: labels) + axis.labels, .faint))
    return (lines, legend)
  }

  private func legend(_ graph: [StyledLine]) -> StyledLine {
    var legend = StyledLine()
    for (sign, style, meaning) in [
      (characters.asleep, Style.asleep, " asleep: average"), (characters.peak, .peak, " peaks"),
    ]
    where graph.contains(where: { $0.text.contains(sign) }) {
      legend.append(legend.columns == 0 ? "" : "   ")
      legend.append(String(sign), style)
      legend.append(meaning, .faint)
    }
    return legend
  }

  /// What is visible in this many columns and rows.
  private struct Drawing {
    let time: TimeScale
    let watts: WattScale
    let columns: [GraphColumn?]
    let span: GraphSpan?

    init(_ block: GraphBlock, columns count: Int, rows: Int) {
      let model = block.model
      let latest = model.timeline.last?.unixSeconds ?? block.now
      // The right end is now; with fresh readings that is the end of the latest one.
      let isFresh = model.reading != nil && model.age(now: block.now) == nil
      time = TimeScale(
        columns: max(count, 0), columnSeconds: block.columnSeconds, anchor: model.anchor ?? latest,
        latest: isFresh ? latest : max(block.now, latest))
      let seen = model.timeline.rows(after: time.start + block.columnSeconds / 4)
      columns = GraphColumn.columns(seen, time)
      span = GraphSpan(seen)
      watts = WattScale(
        holding: columns.lazy.compactMap { $0.map { max($0.watts, $0.mostWatts) } }.max() ?? 0, rows: rows)
    }

    var labelWidth: Int { (0...watts.rows).compactMap { watts.label(ofRow: $0)?.count }.max() ?? 0 }
  }
}

/// The line below the graph: minimum, mean and maximum of its time.
enum SpanLine {
  /// As much as fits. Numbers are never cut.
  ///
  /// - Parameter seconds: the time of the graph.
  static func line(_ span: GraphSpan?, seconds: Double, hasEnergy: Bool, width: Int) -> StyledLine {
    guard let span else {
      return StyledLine(Words.first(of: ["Nothing was measured in this time."], fitting: width), .faint)
    }
    // Time that was not measured is in none of the numbers.
    let isWhole = span.measuredSeconds >= 0.95 * seconds
    let time =
      (isWhole ? "last " : "\(Numbers.duration(span.measuredSeconds)) of the last ") + Numbers.duration(seconds)
    let watts =
      [("min", span.leastWatts), ("mean", span.meanWatts), ("max", span.mostWatts)]
      .map { "\($0) \(Numbers.fixed($1, places: 2))" }.joined(separator: "   ") + " W"
    let joules = hasEnergy ? "   " + Numbers.joules(span.joules) : ""
    return StyledLine(
      Words.first(of: ["\(time)   \(watts)\(joules)", "\(watts)\(joules)", watts], fitting: width))
  }
}
