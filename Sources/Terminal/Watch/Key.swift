/// A key of the live view.
public enum Key: Sendable, Equatable {
  case quit, zoomIn, zoomOut, pause, domains, help

  /// The keys in a terminal's input. Anything else is skipped, including sequences of special keys.
  public static func keys(in bytes: some Sequence<UInt8>) -> [Key] {
    var keys: [Key] = []
    var isSequence = false
    var previous: UInt8 = 0
    for byte in bytes {
      defer { previous = byte }
      if previous == 0x1B, byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O") {
        isSequence = true
      } else if isSequence {
        // The last byte of a sequence is a letter or ~.
        isSequence = !(0x40...0x7E ~= byte)
      } else if let key = Key(byte) {
        keys.append(key)
      }
    }
    return keys
  }

  private init?(_ byte: UInt8) {
    switch UnicodeScalar(byte) {
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
