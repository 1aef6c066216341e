import Formats
import RAPL

@testable import Attribution
@testable import PowerProtocol

/// A machine with everything: two packages, one of them with dies, domains, and one that cannot be read.
enum Examples {
  static let info = ServiceInfo(
    version: "1.2.3", source: "msr", isSimulated: false, intervalSeconds: 1, cpu: #"A "C\P"U"#,
    description: "2 packages",
    packages: [
      .init(
        id: PackageID(package: 0),
        domains: [.package, .core, .dram].map { .init(domain: $0, unitJoules: 1.0 / 16_384, unitSource: "register") }),
      .init(
        id: PackageID(package: 1, die: 1),
        domains: [.init(domain: .package, unitJoules: 1.0 / 16_384, unitSource: "register")]),
    ],
    policy: Policy(
      isTrusted: false, trustedGroup: "power", shortestIntervalSeconds: 0.25, wattsResolution: 0.01,
      joulesResolution: 0.01))

  static let sample = SampleReport(
    sequence: 12, unixSeconds: 1_640_995_200.125, monotonicSeconds: 86_412.507, windowSeconds: 1, watts: 59.75,
    joules: 12_345.67, isLowerBound: true, status: .ok, rejectedReadings: 3,
    packages: [
      .init(
        id: PackageID(package: 0), watts: 42.5, joules: 8781.42, isLowerBound: false,
        domains: [
          .core: .init(watts: 29.7512345, joules: 6147, isLowerBound: false),
          .dram: .init(watts: nil, joules: 0.5, isLowerBound: true),
        ]),
      .init(id: PackageID(package: 1, die: 1), watts: 17.25, joules: 3564.25, isLowerBound: true),
    ], service: .init(cpuSeconds: 0.125, wakeups: 123))

  static let observation = Observation(info: info, sample: sample)
  static let withUnits = Observation(info: info, sample: sample, units: units)

  /// The path of a unit whose name somebody chose with care: quotes, braces, a backslash, an escape sequence and an end of line.
  static let hostile = "/a \"b\",row=\"idle\"} 7 # \\n \\x1b[31m\\x0apkg_watt_stat_up 0.service"

  /// Three units in two windows of 2 s, of which two are shown.
  static let units: UnitCounters = {
    var counters = UnitCounters(mostUnits: 2)
    var idle = IdleEstimate()
    idle.remember(lowestWatts: 0)
    var ledger = EnergyLedger(idle: idle)
    for (index, joules) in [10.0, 20.004].enumerated() {
      let end = Int64(index + 1) * 2_000_000_000
      let window = EnergyWindow(
        end: end, unixSeconds: 0, seconds: 2, microjoules: Int64(joules * 1e6), centiwatts: Int64(joules * 50),
        isLowerBound: false)
      let times: [String: Int64] = [
        "/system.slice/nginx.service": 2_000_000, hostile: 1_500_000, "/c.service": 500_000,
      ]
      var usage = CPUUsage(start: end - 2_000_000_000, end: end, rows: [:], live: [:])
      for (path, time) in times {
        usage.rows[.unit(path)] = time
        usage.live[.unit(path)] = .init(name: CgroupPlace(path).label)
      }
      ledger.add(window, usage, cpus: 2)
      counters.take(ledger, window)
    }
    return counters
  }()

  static func sample(_ status: PowerLine.Status, reason: String? = nil) -> SampleReport {
    var sample = sample
    sample.status = status
    sample.reason = reason
    return sample
  }

  static let history = HistoryReport(
    seconds: 600,
    rows: [
      .init(unixSeconds: 7.5, seconds: 1, watts: 15, leastWatts: 14, mostWatts: 16, joules: 15, isAsleep: false)
    ])
}
