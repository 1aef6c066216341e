public import Formatting

/// The subscription of a connection: the answer to `{"subscribe": ...}`.
public struct Subscription: Sendable, Equatable {
  /// The time between samples, in seconds; nil if nothing is sent without a request any more.
  public var intervalSeconds: Double?

  /// A subscription, or its end.
  public init(intervalSeconds: Double?) {
    self.intervalSeconds = intervalSeconds
  }

  /// The answer as it is sent.
  public var json: JSON {
    .object([
      (Answer.Kind.subscribed.rawValue, .string(intervalSeconds == nil ? "none" : "sample")),
      (CodingKeys.intervalSeconds.rawValue, .optional(intervalSeconds)),
    ])
  }
}

extension Subscription: Decodable {
  private enum CodingKeys: String, CodingKey {
    case intervalSeconds = "interval_seconds"
  }

  /// Reads the start or the end of a subscription.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(intervalSeconds: try fields.optionalNumber(.intervalSeconds, in: Plausible.intervalSeconds))
  }
}
