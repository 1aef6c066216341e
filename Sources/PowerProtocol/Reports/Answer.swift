/// What a service says: a line of version 1, or an answer to a request.
public enum Answer: Sendable, Equatable {
  /// A line of version 1.
  case line(PowerLine)
  /// What the service is.
  case info(ServiceInfo)
  /// A sample: asked for, or of a subscription.
  case sample(SampleReport)
  /// What was drawn lately.
  case history(HistoryReport)
  /// A subscription begins or ends.
  case subscribed(Subscription)
  /// A request was not served.
  case refused(Refusal)
}

extension Answer: Decodable {
  /// The member that each kind of answer has, and no other.
  enum Kind: String, CodingKey {
    case info, sample, history, subscribed, error
    /// What no line of version 1 is without.
    case line = "power_watts"
  }

  /// Reads a line of the service.
  ///
  /// Its numbers are checked here, once and for all: none is out of reason, and no text can steer a terminal.
  ///
  /// - Throws: `DecodingError` for what is neither a line of version 1 nor one answer of version 2. Members that this
  ///   version does not know are left alone.
  public init(from decoder: any Decoder) throws {
    let kinds = try decoder.container(keyedBy: Kind.self)
    guard kinds.allKeys.count <= 1 else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(codingPath: decoder.codingPath, debugDescription: "several answers are one"))
    }
    switch kinds.allKeys.first {
    case .info: self = .info(try kinds.decode(ServiceInfo.self, forKey: .info))
    case .sample: self = .sample(try kinds.decode(SampleReport.self, forKey: .sample))
    case .history: self = .history(try kinds.decode(HistoryReport.self, forKey: .history))
    case .error: self = .refused(try kinds.decode(Refusal.self, forKey: .error))
    case .subscribed: self = .subscribed(try Subscription(from: decoder))
    case .line, nil: self = .line(try PowerLine(from: decoder))
    }
  }
}
