/// What a connection gets from now on: the answer to `{"subscribe": ...}`.
public struct Subscription: Sendable, Equatable {
  /// From sample to sample, in seconds; nil where nothing comes unasked any more.
  public var intervalSeconds: Double?

  /// A subscription, or its end.
  public init(intervalSeconds: Double?) {
    self.intervalSeconds = intervalSeconds
  }

  /// The answer as it is sent.
  public var json: JSON {
    .object([
      ("subscribed", .string(intervalSeconds == nil ? "none" : "sample")),
      ("interval_seconds", .optional(intervalSeconds)),
    ])
  }
}

extension Subscription: Decodable {
  private enum CodingKeys: String, CodingKey {
    case intervalSeconds = "interval_seconds"
  }
}
