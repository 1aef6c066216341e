extension String {
  /// The text with "?" for everything but printable ASCII.
  ///
  /// Whoever serves at a socket must not be able to steer a terminal. Nor do real services say anything else: CPU names,
  /// sentences and names of groups are ASCII.
  public var printable: String {
    String(String.UnicodeScalarView(unicodeScalars.map { " "..."~" ~= $0 ? $0 : "?" }))
  }
}
