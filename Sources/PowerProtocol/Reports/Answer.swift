/// A message of a service: a line of version 1, or an answer to a request.
public enum Answer: Sendable, Equatable {
  /// A line of version 1.
  case line(PowerLine)
  /// The description of the service.
  case info(ServiceInfo)
  /// A sample: an answer, or part of a subscription.
  case sample(SampleReport)
  /// The history.
  case history(HistoryReport)
  /// What limits the packages.
  case limits(LimitsReport)
  /// A subscription begins or ends.
  case subscribed(Subscription)
  /// A request was not served.
  case refused(Refusal)
}

extension Answer: Decodable {
  /// The member that each kind of answer has, and no other.
  enum Kind: String, CodingKey {
    case info, sample, history, limits, subscribed, error
    /// The member that every line of version 1 has.
    case line = "power_watts"
  }

  /// Reads a line of the service.
  ///
  /// Its numbers are checked here, once and for all: none is out of range, and no text can control a terminal.
  ///
  /// - Throws: `DecodingError` if it is neither a line of version 1 nor one answer of version 2. Unknown members are ignored.
  public init(from decoder: any Decoder) throws {
    let kinds = try decoder.container(keyedBy: Kind.self)
    guard kinds.allKeys.count <= 1 else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(codingPath: decoder.codingPath, debugDescription: "several answers in one line"))
    }
    switch kinds.allKeys.first {
    case .info: self = .info(try kinds.decode(ServiceInfo.self, forKey: .info))
    case .sample: self = .sample(try kinds.decode(SampleReport.self, forKey: .sample))
    case .history: self = .history(try kinds.decode(HistoryReport.self, forKey: .history))
    case .limits: self = .limits(try kinds.decode(LimitsReport.self, forKey: .limits))
    case .error: self = .refused(try kinds.decode(Refusal.self, forKey: .error))
    case .subscribed: self = .subscribed(try Subscription(from: decoder))
    case .line, nil: self = .line(try PowerLine(from: decoder))
    }
  }
}
