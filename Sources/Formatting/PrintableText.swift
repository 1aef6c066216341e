extension String {
  /// A peer's text, with "?" for everything but printable ASCII.
  ///
  /// Whoever serves at a socket must not be able to steer a terminal. Nor do real services say anything else: CPU names,
  /// sentences and names of groups are ASCII.
  public var printable: String {
    String(String.UnicodeScalarView(unicodeScalars.map { " "..."~" ~= $0 ? $0 : "?" }))
  }

  /// A text of this machine, such as a path, with "?" for everything that steers a terminal: control and format characters,
  /// separators of lines, and what Unicode has given no meaning. A tab becomes a space.
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
}
