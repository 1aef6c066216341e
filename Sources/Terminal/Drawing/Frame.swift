/// A whole screen, as the bytes that draw it.
public enum Frame {
  /// Draws lines from the top; the rest of the screen becomes empty.
  ///
  /// Each line overwrites the old one in full width, and nothing is erased first, so that nothing flickers.
  ///
  /// - Parameter colours: whether to use colours.
  public static func bytes(_ lines: [StyledLine], size: ScreenSize, colours: Bool) -> [UInt8] {
    var text = ""
    for row in 0..<max(size.rows, 0) {
      // An absolute position, so that a full last column never moves the next line.
      text += "\u{1B}[\(row + 1);1H"
      for piece in (row < lines.count ? lines[row] : StyledLine()).fitted(to: size.columns).pieces {
        if let parameters = piece.style.parameters(colours: colours) {
          text += "\u{1B}[\(parameters)m\(piece.text)\u{1B}[0m"
        } else {
          text += piece.text
        }
      }
    }
    return Array(text.utf8)
  }
}

/// The size of a terminal in characters.
public struct ScreenSize: Sendable, Equatable {
  /// Characters in a row.
  public var columns: Int
  /// Rows of characters.
  public var rows: Int

  /// A size; never negative.
  public init(columns: Int, rows: Int) {
    self.columns = max(columns, 0)
    self.rows = max(rows, 0)
  }
}
