internal import Formatting
public import PowerProtocol

/// Formats the readings for a pipe, one line for each.
public struct PlainLines: Sendable {
  private var least = Double.infinity
  private var most = -Double.infinity
  private var sum = 0.0
  private var count = 0.0

  /// No reading yet.
  public init() {}

  /// The line for the next reading: "42.5 W  min 31.0  mean 38.2  max 61.7", with its status if that is not ok.
  public mutating func next(_ reading: Reading) -> String {
    let watts = Numbers.fixed(reading.watts, places: 1) + " W"
    let now = reading.status == .ok ? watts : "\(watts) (\(reading.status.rawValue))"
    // A stale reading repeats an old one.
    if reading.status != .stale {
      least = min(least, reading.watts)
      most = max(most, reading.watts)
      sum += reading.watts
      count += 1
    }
    guard count > 0 else { return now }
    let statistics = [("min", least), ("mean", sum / count), ("max", most)]
    return ([now] + statistics.map { "\($0) \(Numbers.fixed($1, places: 1))" }).joined(separator: "  ")
  }

  /// A line of version 1 for people: "42.50 W", with a note if it is simulated or stale.
  ///
  /// - Parameter unixMilliseconds: the present time, in milliseconds since 1970.
  public static func text(_ line: PowerLine, unixMilliseconds: Int64) -> String {
    let watts = line.wattsText
    switch line.status {
    case .ok: return watts
    case .simulated: return watts + " (simulated)"
    case .stale:
      let age = Double(unixMilliseconds - line.unixMilliseconds) / 1000
      return watts + " (stale, \(Numbers.fixed(max(age, 0), places: 0)) s old)"
    }
  }
}
