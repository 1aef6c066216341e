internal import Formatting

/// Text that is made to fit the size of a terminal.
enum Words {
  /// A text in lines of at most this many columns, broken between words.
  ///
  /// - Parameter most: the maximum number of lines; a text that is cut off ends in "...".
  static func wrapped(_ text: String, width: Int, most: Int) -> [String] {
    guard width > 0, most > 0 else { return [] }
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if line.isEmpty {
        line = String(word)
      } else if line.count + 1 + word.count <= width {
        line += " " + word
      } else {
        lines.append(line)
        line = String(word)
      }
    }
    if !line.isEmpty { lines.append(line) }
    let isCut = lines.count > most
    lines = Array(lines.prefix(most))
    if isCut { lines[most - 1] += " ..." }
    return lines.map { $0.count <= width ? $0 : cut($0, width: width) }
  }

  /// The beginning of a text, followed by "...".
  private static func cut(_ text: String, width: Int) -> String {
    width > 3 ? text.prefix(width - 3) + "..." : String(repeating: ".", count: width)
  }

  /// A name of any characters, with "?" for those that may not be exactly one column wide, or that the terminal may not have.
  static func narrow(_ name: String, _ characters: GraphCharacters) -> String {
    String(
      String.UnicodeScalarView(
        name.harmless.unicodeScalars.map { scalar in
          switch scalar.value {
          case 0x20...0x7E: scalar
          // Latin, Greek and Cyrillic letters.
          case 0xA1...0x2AF where characters == .blocks: scalar
          case 0x370...0x3FF where characters == .blocks: scalar
          case 0x400...0x482 where characters == .blocks: scalar
          case 0x48A...0x52F where characters == .blocks: scalar
          default: "?"
          }
        }))
  }

  /// The first text that fits, or none. A number is never cut, because it would become another number.
  static func first(of candidates: [String], fitting width: Int) -> String {
    candidates.first { $0.count <= width } ?? ""
  }
}
