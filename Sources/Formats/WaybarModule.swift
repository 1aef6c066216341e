internal import Formatting
public import PowerProtocol
internal import RAPL

/// A line for a custom module of waybar (`"return-type": "json"`), see waybar-custom(5).
///
/// There is no percentage, because there is no maximum.
public enum WaybarModule {
  /// The text is the watts, the tooltip lists packages and domains, and the class is the status, for the colour.
  public static func line(_ sample: SampleReport) -> String {
    let mark = sample.status == .ok ? "" : " (\(sample.status.rawValue))"
    let tooltip = [watts(sample.watts) + mark] + (sample.reason.map { [$0] } ?? []) + sample.parts.map(line)
    return JSON.object([
      ("text", .string(watts(sample.watts) + mark)),
      ("tooltip", .string(escaped(tooltip.joined(separator: "\n")))),
      ("class", .string(sample.status.rawValue)),
    ]).text
  }

  /// The line without a sample: the tooltip says why, and the class is `unavailable`.
  public static func absence(_ why: String) -> String {
    JSON.object([
      ("text", .string("no watts")), ("tooltip", .string(escaped(why))), ("class", .string("unavailable")),
    ]).text
  }

  private static func line(_ part: SampleReport.Part) -> String {
    "\(part.domain == .package ? "\(part.package)" : "  \(part.domain)"): \(watts(part.drawn.watts))"
  }

  private static func watts(_ watts: Double?) -> String {
    watts.map { Numbers.fixed($0, places: 1) + " W" } ?? "not readable"
  }

  /// Waybar interprets text as Pango markup.
  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
