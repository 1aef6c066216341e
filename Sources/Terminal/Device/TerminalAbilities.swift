/// What the terminal of stdout can show.
public struct TerminalAbilities: Sendable, Equatable {
  /// Whether the cursor can be moved, so that a full-screen view works.
  public var isScreen: Bool
  /// Whether to use colours.
  public var hasColours: Bool
  /// The characters to draw graphs with.
  public var characters: GraphCharacters

  /// The environment variables that decide this.
  public static let variables = ["TERM", "NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG"]

  /// The abilities that these environment variables describe.
  ///
  /// TERM: empty or "dumb" means no screen; the fonts of "linux", the kernel's console, have few blocks. NO_COLOR: if it is
  /// not empty, no colours are used. LC_ALL, LC_CTYPE, LANG: the first that is set says whether there is more than ASCII.
  public init(isTerminal: Bool, environment: [String: String]) {
    let name = environment["TERM"] ?? ""
    isScreen = isTerminal && !["", "dumb"].contains(name)
    hasColours = isScreen && (environment["NO_COLOR"] ?? "").isEmpty
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
    let upper = locale.uppercased()
    let hasUnicode = upper.contains("UTF-8") || upper.contains("UTF8")
    characters = isScreen && name != "linux" && hasUnicode ? .blocks : .ascii
  }
}
