internal import Formatting
internal import RAPL

extension LimitsReport.Package: Decodable {
  private enum CodingKeys: String, CodingKey {
    case limits = "power_limits"
    case platformLimits = "platform_power_limits"
    case tdpWatts = "tdp_watts"
    case leastWatts = "min_watts"
    case mostWatts = "max_watts"
    case throttleCelsius = "throttle_celsius"
    case celsius
    case throttledSeconds = "throttled_seconds"
    case throttledRangeSeconds = "throttled_range_seconds"
    case reasons, implausible
  }

  /// The members of a package: what is not known has none.
  var json: JSON {
    let numbers: [(CodingKeys, CheckedNumber?)] = [
      (.tdpWatts, limits.tdpWatts), (.leastWatts, limits.leastWatts), (.mostWatts, limits.mostWatts),
      (.throttleCelsius, limits.throttleCelsius), (.celsius, throttling.celsius),
    ]
    var members: [(CodingKeys, JSON)] = [
      (.limits, .array(limits.limits.map(\.json))), (.platformLimits, .array(limits.platformLimits.map(\.json))),
    ]
    members += numbers.compactMap { key, number in number.map { (key, .number($0.value)) } }
    if let range = throttling.throttledRangeSeconds {
      let seconds = PowerDomain.allCases.compactMap { domain in
        throttling.throttledSeconds[domain].map { (domain.rawValue, JSON.number($0)) }
      }
      members += [(.throttledSeconds, .object(seconds)), (.throttledRangeSeconds, .number(range))]
    }
    let reasons = LimitedPart.allCases.compactMap { part in
      throttling.reasons[part].map { (part.rawValue, $0.json) }
    }
    if !reasons.isEmpty { members.append((.reasons, .object(reasons))) }
    members.append((.implausible, .implausible(numbers)))
    return .object(id.members + members.map { ($0.rawValue, $1) })
  }

  /// Reads a package with its limits.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let doubts = Set(try fields.decode([String].self, forKey: .implausible))
    let seconds = try fields.decodeIfPresent([String: Double].self, forKey: .throttledSeconds) ?? [:]
    guard seconds.values.allSatisfy(Plausible.clockSeconds.contains) else {
      throw DecodingError.dataCorruptedError(
        forKey: .throttledSeconds, in: fields, debugDescription: "a time is out of range")
    }
    // Without its range, a time cannot be told from that after a new start at 0.
    let range = try fields.optionalNumber(.throttledRangeSeconds, in: Plausible.clockSeconds)
    let reasons = try fields.decodeIfPresent([String: Reasons].self, forKey: .reasons) ?? [:]
    func number(_ key: CodingKeys, in range: ClosedRange<Double>) throws -> CheckedNumber? {
      try fields.checkedNumber(key, in: range, implausible: doubts)
    }
    self.init(
      id: try PackageID(from: decoder),
      limits: PackageLimits(
        limits: try fields.decode([Limit].self, forKey: .limits).compactMap(\.known),
        platformLimits: try fields.decode([Limit].self, forKey: .platformLimits).compactMap(\.known),
        tdpWatts: try number(.tdpWatts, in: Plausible.watts), leastWatts: try number(.leastWatts, in: Plausible.watts),
        mostWatts: try number(.mostWatts, in: Plausible.watts),
        throttleCelsius: try number(.throttleCelsius, in: Plausible.celsius)),
      throttling: PackageThrottling(
        throttledSeconds: Dictionary(
          seconds.compactMap { name, value in range == nil ? nil : PowerDomain(rawValue: name).map { ($0, value) } }
        ) { first, _ in first },
        throttledRangeSeconds: range,
        reasons: Dictionary(
          reasons.compactMap { name, value in LimitedPart(rawValue: name).map { ($0, value.known) } }
        ) { first, _ in first },
        celsius: try number(.celsius, in: Plausible.celsius)))
  }
}

/// A limit of any service; nil inside if this version does not know it.
private struct Limit: Decodable {
  enum CodingKeys: String, CodingKey {
    case name, watts
    case windowSeconds = "window_seconds"
    case isEnabled = "enabled"
    case isClamped = "clamping"
    case isLocked = "locked"
    case implausible
  }

  let known: PowerLimit?

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    guard let name = PowerLimit.Name(rawValue: try fields.decode(String.self, forKey: .name)) else {
      known = nil
      return
    }
    let doubts = Set(try fields.decode([String].self, forKey: .implausible))
    let watts = try fields.number(.watts, in: Plausible.watts)
    known = PowerLimit(
      name: name,
      watts: CheckedNumber(watts, isPlausible: !doubts.contains(CodingKeys.watts.rawValue)),
      windowSeconds: try fields.checkedNumber(.windowSeconds, in: Plausible.limitWindowSeconds, implausible: doubts),
      isEnabled: try fields.decodeIfPresent(Bool.self, forKey: .isEnabled),
      isClamped: try fields.decodeIfPresent(Bool.self, forKey: .isClamped),
      isLocked: try fields.decodeIfPresent(Bool.self, forKey: .isLocked))
  }
}

extension PowerLimit {
  fileprivate var json: JSON {
    var members: [(Limit.CodingKeys, JSON)] = [(.name, .string(name.rawValue)), (.watts, .number(watts.value))]
    if let windowSeconds { members.append((.windowSeconds, .number(windowSeconds.value))) }
    let flags: [(Limit.CodingKeys, Bool?)] = [
      (.isEnabled, isEnabled), (.isClamped, isClamped), (.isLocked, isLocked),
    ]
    members += flags.compactMap { key, flag in flag.map { (key, .boolean($0)) } }
    members.append((.implausible, .implausible([(Limit.CodingKeys.watts, watts), (.windowSeconds, windowSeconds)])))
    return .object(members.map { ($0.rawValue, $1) })
  }
}

/// The reasons of any service; those that this version does not know are left out.
private struct Reasons: Decodable {
  enum CodingKeys: String, CodingKey {
    case active, logged
  }

  let known: LimitReasons

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    known = LimitReasons(
      active: try fields.decode([String].self, forKey: .active).compactMap(LimitReason.init),
      logged: try fields.decode([String].self, forKey: .logged).compactMap(LimitReason.init))
  }
}

extension LimitReasons {
  fileprivate var json: JSON {
    func names(_ reasons: [LimitReason]) -> JSON { .array(reasons.map { .string($0.rawValue) }) }
    return .object([
      (Reasons.CodingKeys.active.rawValue, names(active)), (Reasons.CodingKeys.logged.rawValue, names(logged)),
    ])
  }
}

extension JSON {
  /// The names of the numbers that cannot be true.
  fileprivate static func implausible(_ numbers: [(some RawRepresentable<String>, CheckedNumber?)]) -> JSON {
    .array(numbers.compactMap { key, number in number?.isPlausible == false ? .string(key.rawValue) : nil })
  }
}

extension KeyedDecodingContainer where Key: RawRepresentable<String> {
  /// A number that may be missing, and whether it is not among the implausible ones.
  fileprivate func checkedNumber(
    _ key: Key, in range: ClosedRange<Double>, implausible: Set<String>
  ) throws -> CheckedNumber? {
    try optionalNumber(key, in: range).map { CheckedNumber($0, isPlausible: !implausible.contains(key.rawValue)) }
  }
}
