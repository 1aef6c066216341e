public import Formatting

/// What a client may ask for: protocol version 2.
public enum Request: Sendable, Equatable {
  /// The description of the service.
  case info
  /// The latest finished window. With domains, or without.
  case sample(domains: Bool = true)
  /// A window that ends now, for the trusted. With domains, or without.
  case freshSample(domains: Bool = true)
  /// The power of the latest seconds, this many.
  case history(seconds: Int)
  /// What limits the packages, and what the limits did to them.
  case limits
  /// A stream of samples, this many seconds apart; nil for the service's own interval. With domains, or without.
  case subscribe(intervalSeconds: Double?, domains: Bool = true)
  /// The end of the stream.
  case unsubscribe

  /// The requests that this version serves, and the members that each may have beside its name. `info` lists them, so that a
  /// client can tell an older service from a newer one.
  public static let served: [String: [String]] = [
    "info": [], "sample": ["fresh", "domains"], "history": ["seconds"], "limits": [],
    "subscribe": ["interval_seconds", "domains"],
  ]

  /// How far back history may be asked for, in seconds.
  public static let historySeconds = 1...86_400
  /// The longest interval of a subscription, in seconds.
  public static let longestIntervalSeconds = 86_400.0

  /// The request as it is sent.
  public var json: JSON {
    switch self {
    case .info: .object([("get", .string("info"))])
    case .sample(let domains): .object([("get", .string("sample"))] + Self.json(domains: domains))
    case .freshSample(let domains):
      .object([("get", .string("sample")), ("fresh", .boolean(true))] + Self.json(domains: domains))
    case .history(let seconds): .object([("get", .string("history")), ("seconds", .integer(seconds))])
    case .limits: .object([("get", .string("limits"))])
    case .subscribe(let interval, let domains):
      .object(
        [("subscribe", .string("sample"))] + (interval.map { [("interval_seconds", .number($0))] } ?? [])
          + Self.json(domains: domains))
    case .unsubscribe: .object([("subscribe", .string("none"))])
    }
  }

  /// Older services know no such member, and have domains.
  private static func json(domains: Bool) -> [(String, JSON)] { domains ? [] : [("domains", .boolean(false))] }
}
