extension String {
  /// A peer's text, with "?" for everything but printable ASCII.
  ///
  /// No server must be able to control a terminal. Real services send nothing else: CPU names, sentences and names of groups are
  /// ASCII.
  public var printable: String {
    String(String.UnicodeScalarView(unicodeScalars.map { " "..."~" ~= $0 ? $0 : "?" }))
  }

  /// A text of this machine, such as a path, with "?" for everything that controls a terminal: control and format characters,
  /// line separators, and code points without a meaning in Unicode. A tab becomes a space.
  public var harmless: String {
    String(
      String.UnicodeScalarView(
        unicodeScalars.map { scalar in
          if scalar == "\t" { return " " }
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: return "?"
          default: return scalar
          }
        }))
  }

  /// The same for a text of several lines.
  public var harmlessLines: String {
    split(separator: "\n", omittingEmptySubsequences: false).map { String($0).harmless }.joined(separator: "\n")
  }
}

extension Substring {
  /// Without blanks and tabs at either end.
  package var trimmed: Substring {
    var rest = drop(while: \.isWhitespace)
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return rest
  }
}

/// A text as one word of a shell's command line, to be pasted: in quotes if it needs them.
public func shellWord(_ text: String) -> String {
  let isPlain = text.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "/._-+:,@%".utf8.contains(byte)
    }
  }
  return isPlain && !text.isEmpty
    ? text : "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#))'"
}
