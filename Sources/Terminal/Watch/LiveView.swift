public import PowerProtocol

/// The live view: what is known of the service, what the user wants to see, and the lines that show it.
public struct LiveView: Sendable {
  /// What is known of the service.
  public var model = WatchModel()
  private var zoom = Zoom(shortest: 1)
  private var showsDomains = true
  private var showsHelp = false
  /// The state at the pause, and its time.
  private var frozen: (model: WatchModel, now: Double)?

  private static let fewestGraphRows = 5
  private static let keys = [
    "q quit   + - zoom   p pause   d domains   ? help", "q quit  + - zoom  p pause  ? help", "q quit  ? help", "q quit",
  ]

  /// An empty view.
  public init() {}

  /// Takes an answer of the service.
  public mutating func apply(_ answer: Answer) {
    let interval = model.intervalSeconds
    model.apply(answer)
    if model.intervalSeconds != interval { zoom = zoom.with(shortest: model.intervalSeconds) }
  }

  /// Does what a key asks for. The caller handles `quit`.
  public mutating func press(_ key: Key, now: Double) {
    switch key {
    case .quit: break
    case .zoomIn: zoom.zoomIn()
    case .zoomOut: zoom.zoomOut()
    case .pause: frozen = frozen == nil ? (model, now) : nil
    case .domains: showsDomains.toggle()
    case .help: showsHelp.toggle()
    }
  }

  /// The screen, from the top: at most as many lines as rows, none wider than the screen.
  ///
  /// - Parameter now: seconds since 1970.
  public func lines(size: ScreenSize, characters: GraphCharacters, now: Double) -> [StyledLine] {
    let (model, now) = frozen ?? (model, now)
    guard size.rows > 0, size.columns > 0 else { return [] }
    var top = [Headline.line(model, now: now, width: size.columns)]
    // Beside an old reading it would say something of now that nobody knows.
    if size.rows >= 8, model.age(now: now) == nil, let headroom = HeadroomLine.text(model, width: size.columns) {
      top.append(StyledLine(headroom, .faint))
    }
    if size.rows >= 3 {
      let sentences = Notes.sentences(model, now: now)
      let most = max(size.rows / 8, 1)
      let notes = sentences.flatMap { Words.wrapped($0, width: size.columns, most: most) }
      top += notes.prefix(most + 1).map { StyledLine($0, .warning) }
    }
    let bottom = size.rows >= 6 ? 1 : 0
    var left = size.rows - top.count - bottom
    var middle: [StyledLine] = []
    var legend = StyledLine()
    if showsHelp {
      middle = HelpPage.lines(model, size: ScreenSize(columns: size.columns, rows: left), characters: characters)
    } else {
      let table = table(model, width: size.columns, most: min(left - Self.fewestGraphRows - 2, size.rows / 2))
      left -= table.count
      let block = GraphBlock(
        model: model, columnSeconds: zoom.columnSeconds, now: now, isPaused: frozen != nil, characters: characters
      ).lines(ScreenSize(columns: size.columns, rows: left))
      middle = block.lines + table
      legend = block.legend
    }
    var lines = top + middle
    if bottom > 0 {
      while lines.count < size.rows - bottom { lines.append(StyledLine()) }
      lines = Array(lines.prefix(size.rows - bottom)) + [keys(legend, width: size.columns)]
    }
    return lines.prefix(size.rows).map { $0.columns <= size.columns ? $0 : $0.fitted(to: size.columns) }
  }

  /// The table with domains if they are wanted and fit; else packages only, as many as fit.
  private func table(_ model: WatchModel, width: Int, most: Int) -> [StyledLine] {
    guard let sample = model.reading?.sample else { return [] }
    var table = DomainTable(sample, showsDomains: showsDomains)
    if table.entries.count + 1 > most { table = DomainTable(sample, showsDomains: false) }
    return table.lines(width: width, most: most)
  }

  private func keys(_ legend: StyledLine, width: Int) -> StyledLine {
    var line = StyledLine()
    if frozen != nil { line.append(Words.first(of: ["PAUSED   "], fitting: width), .warning) }
    line.append(Words.first(of: Self.keys, fitting: width - line.columns), .faint)
    if legend.columns > 0, line.columns + 3 + legend.columns <= width {
      line.pad(to: width - legend.columns)
      line.append(legend)
    }
    return line
  }
}
