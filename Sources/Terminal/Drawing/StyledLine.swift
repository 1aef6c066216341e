/// A line of text in pieces of one style each. Every character is one column wide: labels are ASCII, and the graph's
/// characters are narrow in every terminal.
public struct StyledLine: Sendable, Equatable {
  /// A piece of one style.
  public struct Piece: Sendable, Equatable {
    /// What stands there.
    public var text: String
    /// What it means.
    public var style: Style
  }

  /// The pieces, from left to right.
  public private(set) var pieces: [Piece] = []

  /// A line of one piece, or an empty one.
  public init(_ text: String = "", _ style: Style = .plain) {
    append(text, style)
  }

  /// All of it without styles.
  public var text: String { pieces.map(\.text).joined() }

  /// How many columns it takes.
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

  /// Adds spaces until it is so many columns wide.
  mutating func pad(to width: Int) {
    append(String(repeating: " ", count: max(width - columns, 0)))
  }

  /// The line in exactly so many columns: what is too long is cut off, and what is too short is filled with spaces.
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

/// What a piece of text means; a terminal with colours shows it.
public enum Style: Sendable, Equatable {
  /// Nothing in particular.
  case plain
  /// What is looked for first.
  case strong
  /// Scales and labels.
  case faint
  /// A measured mean.
  case mean
  /// From the mean up to the most.
  case peak
  /// A mean over time asleep.
  case asleep
  /// Something that has to be known to read the numbers rightly.
  case warning

  /// The parameters of the terminal's SGR sequence; nil for none.
  ///
  /// - Parameter colours: whether colours are wanted; without them only `strong` stands out.
  func parameters(colours: Bool) -> String? {
    switch self {
    case .plain: nil
    case .strong: "1"
    case .faint: colours ? "90" : nil
    case .mean: colours ? "32" : nil
    case .peak: colours ? "33" : nil
    case .asleep: colours ? "34" : nil
    case .warning: colours ? "1;33" : nil
    }
  }
}
