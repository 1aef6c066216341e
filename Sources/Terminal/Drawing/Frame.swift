/// A whole screen as the bytes that draw it.
public enum Frame {
  /// Draws lines from the top; what is below or right of them becomes empty.
  ///
  /// Each line is written over what stands there, in full width, and nothing is erased first: so nothing flickers.
  ///
  /// - Parameter colours: whether colours are wanted.
  public static func bytes(_ lines: [StyledLine], size: ScreenSize, colours: Bool) -> [UInt8] {
    var text = ""
    for row in 0..<max(size.rows, 0) {
      // An absolute place, so that a full last column never moves the next line.
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

/// How many characters fit on a terminal.
public struct ScreenSize: Sendable, Equatable {
  /// From left to right.
  public var columns: Int
  /// From top to bottom.
  public var rows: Int

  /// A size; never negative.
  public init(columns: Int, rows: Int) {
    self.columns = max(columns, 0)
    self.rows = max(rows, 0)
  }
}
