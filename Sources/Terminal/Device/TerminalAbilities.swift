/// What the terminal behind stdout can show.
public struct TerminalAbilities: Sendable, Equatable {
  /// Whether the cursor can be moved: a full-screen view works.
  public var isScreen: Bool
  /// Whether colours are wanted.
  public var hasColours: Bool
  /// What graphs are drawn with.
  public var characters: GraphCharacters

  /// The environment variables that decide.
  public static let variables = ["TERM", "NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG"]

  /// What these environment variables say.
  ///
  /// TERM: nothing, or "dumb", is no screen; the fonts of "linux", the kernel's console, have few blocks. NO_COLOR: not empty
  /// means no colours. LC_ALL, LC_CTYPE, LANG: the first that is set says whether there is more than ASCII.
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
