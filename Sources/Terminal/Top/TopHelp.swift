internal import Formatting

/// The page that explains the keys and rows of `top`.
enum TopHelp {
  private static let entries = [
    ("w j c n", "sort by watts, joules, CPU time, name"),
    ("b", "other rows: processes, units, containers, users. Their joules begin anew"),
    ("/", "show only rows with a text in name, number or unit. Esc clears the filter"),
    ("arrows", "select a row, whose watts the graph shows (also Page Up, Page Down, Home, End)"),
    ("p", "pause or continue; nothing is lost in a pause"),
    ("?", "show or hide this page"),
    ("q", "quit (also Ctrl-C)"),
    ("", ""),
    ("idle", "what is drawn with nothing to do: an estimate, and what it is sure to be"),
    ("hidden", "processes that this user cannot see"),
    ("not attributed", "interrupts, and whatever else is in no row"),
    ("ended", "the joules of rows that have ended"),
    ("", ""),
    (
      "estimate",
      "No CPU counts the energy of a program. What is not idle power is split by CPU time, so a program whose CPU second draws more "
        + "than another's seems to draw less than it does."
    ),
  ]

  /// As many of its lines as fit.
  static func lines(_ size: ScreenSize) -> [StyledLine] {
    let names = 16
    let lines = entries.flatMap { name, text -> [StyledLine] in
      if text.isEmpty { return [StyledLine()] }
      return Words.wrapped(text, width: size.columns - names, most: 4).enumerated().map { index, part in
        var line = StyledLine(Columns.left(index == 0 ? name : "", names), .strong)
        line.append(part)
        return line
      }
    }
    return Array(lines.prefix(size.rows))
  }
}
