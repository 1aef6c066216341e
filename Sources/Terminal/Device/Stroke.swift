/// What a person does at a keyboard, once.
public enum Stroke: Sendable, Equatable {
  /// A key with a character.
  case character(Character)
  case enter, escape, backspace
  case up, down, pageUp, pageDown, home, end

  /// The strokes in a terminal's input. Control characters and sequences of other keys are skipped.
  public static func strokes(in bytes: some Sequence<UInt8>) -> [Stroke] {
    var strokes: [Stroke] = []
    var rest = Array(bytes)[...]
    while let byte = rest.popFirst() {
      switch byte {
      case 0x1B:
        guard let next = rest.first, next == UInt8(ascii: "[") || next == UInt8(ascii: "O") else {
          strokes.append(.escape)
          continue
        }
        rest.removeFirst()
        // The last byte of a sequence is a letter or ~.
        let parameters = rest.prefix { !(0x40...0x7E ~= $0) }
        rest = rest.dropFirst(parameters.count)
        if let last = rest.popFirst(), let stroke = Self.named(parameters, last) { strokes.append(stroke) }
      case 0x0A, 0x0D: strokes.append(.enter)
      case 0x08, 0x7F: strokes.append(.backspace)
      case 0x20...:
        let text = [byte] + rest.prefix { $0 >= 0x20 && $0 != 0x7F }
        rest = rest.dropFirst(text.count - 1)
        strokes += String(decoding: text, as: UTF8.self).filter { $0 != "\u{FFFD}" }.map { .character($0) }
      default: break
      }
    }
    return strokes
  }

  /// Whether a terminal's input ends within a key's sequence or character, or with Escape, which may be the beginning of one.
  static func isCut(_ bytes: [UInt8]) -> Bool {
    let following = bytes.reversed().prefix { $0 & 0xC0 == 0x80 }.count
    let lead = bytes.dropLast(following).last ?? 0
    if following + 1 < (lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1) { return true }
    guard let escape = bytes.lastIndex(of: 0x1B) else { return false }
    let rest = bytes[(escape + 1)...]
    guard let next = rest.first else { return true }
    return (next == UInt8(ascii: "[") || next == UInt8(ascii: "O"))
      && rest.dropFirst().allSatisfy { !(0x40...0x7E ~= $0) }
  }

  /// The key of a sequence, as xterm and those that follow it send them. Source: xterm's ctlseqs, "PC-Style Function Keys".
  private static func named(_ parameters: ArraySlice<UInt8>, _ last: UInt8) -> Stroke? {
    switch (String(decoding: parameters, as: UTF8.self), UnicodeScalar(last)) {
    case ("", "A"): .up
    case ("", "B"): .down
    case ("", "H"), ("1", "~"), ("7", "~"): .home
    case ("", "F"), ("4", "~"), ("8", "~"): .end
    case ("5", "~"): .pageUp
    case ("6", "~"): .pageDown
    default: nil
    }
  }
}
