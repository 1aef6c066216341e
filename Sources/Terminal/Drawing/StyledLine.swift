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
