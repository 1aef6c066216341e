/// Draws watts as a row of blocks, one for each reading, from 0 to the highest of them.
public struct HistoryBar: Sendable {
  /// What a terminal can show.
  public enum Characters: Sendable {
    /// Unicode's lower blocks.
    case blocks
    /// ASCII only.
    case ascii

    var levels: [Character] {
      switch self {
      case .blocks: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
      case .ascii: ["_", ".", ":", "-", "=", "+", "*", "#"]
      }
    }

    /// What the locale of these environment variables can show: LC_ALL, LC_CTYPE, LANG, the first that is set decides.
    public init(environment: [String: String]) {
      let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
      let name = locale.uppercased()
      self = name.contains("UTF-8") || name.contains("UTF8") ? .blocks : .ascii
    }
  }

  /// The latest of `watts` in at most `width` characters.
  public static func draw(_ watts: [Double], width: Int, with characters: Characters) -> String {
    let shown = watts.suffix(max(width, 0))
    let levels = characters.levels
    let most = shown.max() ?? 0
    return String(
      shown.map { watts in
        let level = most > 0 ? Int((watts / most * Double(levels.count - 1)).rounded()) : 0
        return levels[min(max(level, 0), levels.count - 1)]
      })
  }
}
