public import Attribution
internal import PowerProtocol

/// The full screen of `top`: what is known, what the user wants to see, and what keys do. `TopView+Drawing` has its lines.
public struct TopView: Sendable {
  /// What a key asks of the caller.
  public enum Effect: Sendable, Equatable {
    /// To end.
    case quit
    /// To measure other rows, and to call `regroup(to:note:)` once it does.
    case regroup(Grouping)
  }

  /// The rows of the latest window, and how they came about.
  struct Content: Sendable {
    /// All rows; nil before the first window.
    var table: TopTable?
    var series = RowSeries()
  }

  /// What is known of the service.
  public var model = WatchModel()
  /// What a row is.
  public private(set) var grouping: Grouping
  /// What the rows are sorted by.
  public private(set) var order: TopTable.Order
  /// What to say of the way in which this machine is measured; nil for nothing.
  private(set) var note: String?
  /// Why the last key could not be obeyed.
  private(set) var refusal: String?
  private(set) var filter = ""
  private(set) var isTyping = false
  private(set) var showsHelp = false
  let selection: TopSelection
  private var latest = Content()
  /// The state at the pause, and its time.
  private(set) var frozen: (content: Content, model: WatchModel, now: Double)?
  /// The row that was chosen; nil for the first one, whichever that is.
  private var chosen: RowID?
  /// Where the chosen row was: if it is gone, the row there takes its place.
  private var place = 0

  /// Longer filters are not taken.
  private static let longestFilter = 100
  private static let page = 10

  /// A view before the first window.
  ///
  /// - Parameter note: what to say of the way in which this machine is measured; nil for nothing.
  public init(grouping: Grouping, order: TopTable.Order, selection: TopSelection = TopSelection(), note: String? = nil)
  {
    (self.grouping, self.order, self.selection, self.note) = (grouping, order, selection, note)
  }

  /// Takes in a window's table with all its rows.
  public mutating func show(_ table: TopTable) {
    latest.series.add(table)
    latest.table = table
  }

  /// Notes time whose energy is not known.
  public mutating func skip() { latest.series.skip() }

  /// Begins with other rows.
  public mutating func regroup(to grouping: Grouping, note: String?) {
    (self.grouping, self.note) = (grouping, note)
    (latest, frozen, chosen, place) = (Content(), nil, nil, 0)
  }

  /// Says why other rows cannot be measured.
  public mutating func refuse(_ why: String) { refusal = why }

  /// What is on the screen.
  var content: Content { frozen?.content ?? latest }

  /// The rows to choose from, in their order; nil before the first window.
  var table: TopTable? {
    guard var table = content.table else { return nil }
    if selection.isEmpty { table.leaveOutZeros() }
    let words = filter.lowercased()
    if !selection.isEmpty || !words.isEmpty {
      table.keep { selection.contains($0) && (words.isEmpty || Self.text($0).contains(words)) }
    }
    table.sort(by: order)
    return table
  }

  /// What a filter is looked for in.
  private static func text(_ row: TopTable.Row) -> String {
    [row.name, row.pid.map { "\($0)" }, row.unit].compactMap(\.self).joined(separator: "\n").lowercased()
  }

  /// The place of the selected row; nil without rows.
  func selected(in rows: [TopTable.Row]) -> Int? {
    guard !rows.isEmpty else { return nil }
    if let chosen, let found = rows.firstIndex(where: { $0.id == chosen }) { return found }
    return min(place, rows.count - 1)
  }

  /// Does what a key asks for, as far as it is the view's.
  ///
  /// - Parameter now: seconds since 1970.
  /// - Returns: what is left to the caller; nil for nothing.
  public mutating func press(_ stroke: Stroke, now: Double) -> Effect? {
    refusal = nil
    if isTyping {
      type(stroke)
      return nil
    }
    switch stroke {
    case .up: move(by: -1)
    case .down: move(by: 1)
    case .pageUp: move(by: -Self.page)
    case .pageDown: move(by: Self.page)
    case .home: (chosen, place) = (nil, 0)
    case .end: move(by: .max)
    case .escape: (filter, showsHelp) = (showsHelp ? filter : "", false)
    case .enter, .backspace: break
    case .character(let character): return press(character, now: now)
    }
    return nil
  }

  private mutating func press(_ character: Character, now: Double) -> Effect? {
    switch character {
    case "q", "Q": return .quit
    case "w", "W": order = .watts
    case "j", "J": order = .joules
    case "c", "C": order = .cpu
    case "n", "N": order = .name
    case "b", "B": return next.map { .regroup($0) }
    case "p", "P", " ": frozen = frozen == nil ? (latest, model, now) : nil
    case "/": (isTyping, showsHelp) = (true, false)
    case "?", "h", "H": showsHelp.toggle()
    default: break
    }
    return nil
  }

  private mutating func type(_ stroke: Stroke) {
    switch stroke {
    case .character(let character): if filter.count < Self.longestFilter { filter.append(character) }
    case .backspace: filter = String(filter.dropLast())
    case .enter: isTyping = false
    case .escape: (filter, isTyping) = ("", false)
    case .up: move(by: -1)
    case .down: move(by: 1)
    case .pageUp, .pageDown, .home, .end: break
    }
  }

  private mutating func move(by steps: Int) {
    guard let rows = table?.rows, let now = selected(in: rows) else { return }
    place = steps > rows.count ? rows.count - 1 : min(max(now + steps, 0), rows.count - 1)
    chosen = rows[place].id
  }

  /// The grouping after this one; nil if there is no other.
  private var next: Grouping? {
    let all = selection.groupings
    guard all.count > 1, let place = all.firstIndex(of: grouping) else { return nil }
    return all[(place + 1) % all.count]
  }
}
