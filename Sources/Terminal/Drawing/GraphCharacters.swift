/// The characters that graphs are drawn with.
public enum GraphCharacters: Sendable, Equatable {
  /// Unicode's block elements and lines.
  case blocks
  /// ASCII only.
  case ascii

  /// The characters of a cell that is filled from below, from the least visible level to full.
  var levels: [Character] {
    switch self {
    case .blocks: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    case .ascii: [".", ":", "#"]
    }
  }

  /// A cell between a mean and the greatest sample in it.
  var peak: Character { self == .blocks ? "░" : "|" }
  /// A cell of a mean over time asleep.
  var asleep: Character { self == .blocks ? "▒" : "z" }
  /// The left end of the time axis.
  var corner: Character { self == .blocks ? "└" : "+" }
  /// The time axis.
  var axis: Character { self == .blocks ? "─" : "-" }
  /// A place on the time axis that has a label.
  var tick: Character { self == .blocks ? "┴" : "+" }
  /// The watts axis.
  var side: Character { self == .blocks ? "│" : "|" }
  /// A place on the watts axis that has a label.
  var sideTick: Character { self == .blocks ? "┤" : "+" }
}
