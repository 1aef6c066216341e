/// Sentences of the service, made to fit a terminal's size.
enum Words {
  /// A text in lines of at most so many columns, broken between words.
  ///
  /// - Parameter most: how many lines at most; the last one then ends in "...".
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

  /// The beginning of a text, marked as such.
  private static func cut(_ text: String, width: Int) -> String {
    width > 3 ? text.prefix(width - 3) + "..." : String(repeating: ".", count: width)
  }

  /// The first that fits; nothing where none does. A number is never cut: it would be another number.
  static func first(of candidates: [String], fitting width: Int) -> String {
    candidates.first { $0.count <= width } ?? ""
  }
}
