internal import RAPL

extension Request {
  /// Reads a request.
  ///
  /// - Parameter line: the line without its newline.
  public init(parsing line: some Sequence<UInt8>) throws(RequestError) {
    var parser = FlatObjectParser(line)
    // Those that are used are taken out.
    var members = try parser.object()
    switch (members.removeValue(forKey: "get"), members.removeValue(forKey: "subscribe")) {
    case (let name?, nil): self = try Self.get(name, &members)
    case (nil, let name?): self = try Self.subscribe(name, &members)
    case (_?, _?): throw .unknownRequest("A request must not have both \"get\" and \"subscribe\"")
    case (nil, nil): throw .unknownRequest("A request must have \"get\" or \"subscribe\"")
    }
    if let left = members.keys.min() { throw .unknownRequest("This request has no member \"\(left.prefix(40))\"") }
  }

  private static func get(_ name: FlatValue, _ members: inout [String: FlatValue]) throws(RequestError) -> Self {
    switch name {
    case .string("info"): return .info
    case .string("limits"): return .limits
    case .string("sample"):
      let isFresh = try boolean("fresh", &members) ?? false
      let domains = try boolean("domains", &members) ?? true
      return isFresh ? .freshSample(domains: domains) : .sample(domains: domains)
    case .string("history"):
      guard case .number(let seconds)? = members.removeValue(forKey: "seconds"), seconds == seconds.rounded(),
        Double(historySeconds.lowerBound)...Double(historySeconds.upperBound) ~= seconds
      else {
        throw .invalidValue(
          "\"seconds\" must be a whole number from \(historySeconds.lowerBound) to \(historySeconds.upperBound)")
      }
      return .history(seconds: Int(clamping: seconds))
    case .string(let other): throw .unknownRequest("\"\(other.prefix(40))\" cannot follow \"get\"")
    case .number, .boolean, .other: throw .invalidValue("\"get\" must be a string")
    }
  }

  private static func subscribe(_ name: FlatValue, _ members: inout [String: FlatValue]) throws(RequestError) -> Self {
    switch name {
    case .string("none"): return .unsubscribe
    case .string("sample"):
      let interval: Double?
      switch members.removeValue(forKey: "interval_seconds") {
      case nil: interval = nil
      case .number(let seconds)? where seconds > 0 && seconds <= longestIntervalSeconds: interval = seconds
      default: throw .invalidValue("\"interval_seconds\" must be a number above 0 and at most 86400")
      }
      return .subscribe(intervalSeconds: interval, domains: try boolean("domains", &members) ?? true)
    case .string(let other): throw .unknownRequest("\"\(other.prefix(40))\" cannot follow \"subscribe\"")
    case .number, .boolean, .other: throw .invalidValue("\"subscribe\" must be a string")
    }
  }

  private static func boolean(_ name: String, _ members: inout [String: FlatValue]) throws(RequestError) -> Bool? {
    switch members.removeValue(forKey: name) {
    case nil: nil
    case .boolean(let value)?: value
    default: throw .invalidValue("\"\(name)\" must be true or false")
    }
  }
}
