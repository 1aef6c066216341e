/// A key of the live view.
public enum Key: Sendable, Equatable {
  case quit, zoomIn, zoomOut, pause, domains, help

  /// The keys in a terminal's input. Anything else is skipped, including sequences of special keys.
  public static func keys(in bytes: some Sequence<UInt8>) -> [Key] {
    Stroke.strokes(in: bytes).compactMap { Key($0) }
  }

  /// The key that a stroke means; nil for nothing.
  init?(_ stroke: Stroke) {
    guard case .character(let character) = stroke else { return nil }
    switch character {
    case "q", "Q": self = .quit
    case "+", "=": self = .zoomIn
    case "-", "_", "z": self = .zoomOut
    case "p", "P", " ": self = .pause
    case "d", "D": self = .domains
    case "?", "h", "H": self = .help
    default: return nil
    }
  }
}
