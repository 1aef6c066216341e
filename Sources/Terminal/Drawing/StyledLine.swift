/// A line of text in pieces of one style each. Every character is one column wide: labels are ASCII, and the characters of
/// graphs are narrow in every terminal.
public struct StyledLine: Sendable, Equatable {
  /// A piece of one style.
  public struct Piece: Sendable, Equatable {
    /// The characters.
    public var text: String
    /// The style.
    public var style: Style
  }

  /// The pieces, from left to right.
  public private(set) var pieces: [Piece] = []

  /// A line of one piece, or an empty one.
  public init(_ text: String = "", _ style: Style = .plain) {
    append(text, style)
  }

  /// The whole text without styles.
  public var text: String { pieces.map(\.text).joined() }

  /// The number of columns.
  public var columns: Int { pieces.reduce(0) { $0 + $1.text.count } }

  /// Adds a piece at the end.
  public mutating func append(_ text: String, _ style: Style = .plain) {
    guard !text.isEmpty else { return }
    if let last = pieces.indices.last, pieces[last].style == style {
      pieces[last].text += text
    } else {
      pieces.append(Piece(text: text, style: style))
    }
  }

  /// Adds another line's pieces at the end.
  public mutating func append(_ other: StyledLine) {
    for piece in other.pieces { append(piece.text, piece.style) }
  }

  /// Adds spaces up to this many columns.
  mutating func pad(to width: Int) {
    append(String(repeating: " ", count: max(width - columns, 0)))
  }

  /// The line in exactly this many columns: cut off or filled with spaces.
  func fitted(to width: Int) -> StyledLine {
    var line = StyledLine()
    var left = max(width, 0)
    for piece in pieces where left > 0 {
      line.append(String(piece.text.prefix(left)), piece.style)
      left -= min(piece.text.count, left)
    }
    line.pad(to: width)
    return line
  }
}

/// The meaning of a piece of text; a terminal with colours shows it.
public enum Style: Sendable, Equatable {
  /// Plain text.
  case plain
  /// The most important text.
  case strong
  /// What the keys act on.
  case selected
  /// Scales and labels.
  case faint
  /// A measured mean.
  case mean
  /// From the mean up to the greatest sample.
  case peak
  /// A mean over time asleep.
  case asleep
  /// Something that one must know to read the numbers rightly.
  case warning

  /// The parameters of the terminal's SGR sequence; nil for plain text.
  ///
  /// - Parameter colours: whether to use colours; without them only `strong` and `selected` stand out.
  func parameters(colours: Bool) -> String? {
    switch self {
    case .plain: nil
    case .strong: "1"
    case .selected: "7"
    case .faint: colours ? "90" : nil
    case .mean: colours ? "32" : nil
    case .peak: colours ? "33" : nil
    case .asleep: colours ? "34" : nil
    case .warning: colours ? "1;33" : nil
    }
  }
}
