public import Formatting
internal import RAPL

extension SampleReport {
  /// The answer as it is sent.
  public var json: JSON { .object([("sample", object)]) }

  /// The sample itself.
  public var object: JSON {
    let packages = packages.map { package in
      var members = package.id.members
      members += Self.power(package.watts, package.joules, package.isLowerBound)
      let domains = PowerDomain.allCases.compactMap { name in
        package.domains[name].map {
          (name.rawValue, JSON.object(Self.power($0.watts, $0.joules, $0.isLowerBound)))
        }
      }
      return JSON.object(members + [("domains", .object(domains))])
    }
    let cost = JSON.object([("cpu_seconds", .number(service.cpuSeconds)), ("wakeups", .integer(service.wakeups))])
    var members: [(String, JSON)] = [
      ("sequence", .integer(sequence)), ("timestamp", .number(unixSeconds)),
      ("monotonic_seconds", .number(monotonicSeconds)), ("window_seconds", .number(windowSeconds)),
    ]
    members += Self.power(watts, joules, isLowerBound)
    members += [
      ("status", .string(status.rawValue)), ("reason", .optional(reason)),
      ("rejected_readings", .integer(rejectedReadings)), ("packages", .array(packages)), ("service", cost),
    ]
    return .object(members)
  }

  private static func power(_ watts: Double?, _ joules: Double, _ isLowerBound: Bool) -> [(String, JSON)] {
    [("watts", .optional(watts)), ("joules", .number(joules)), ("lower_bound", .boolean(isLowerBound))]
  }
}
