import RAPL

@testable import PowerProtocol
@testable import Terminal

/// What a service might say; time begins at 1,000 s after 1970, so that places can be counted.
enum Samples {
  static let start = 1000.0

  static func row(
    _ end: Double, seconds: Double = 1, _ watts: Double, least: Double? = nil, most: Double? = nil,
    isAsleep: Bool = false
  ) -> HistoryReport.Row {
    HistoryReport.Row(
      unixSeconds: end, seconds: seconds, watts: watts, leastWatts: least ?? watts, mostWatts: most ?? watts,
      joules: watts * seconds, isAsleep: isAsleep)
  }

  /// A second for each of the watts, the last one ending at the start.
  static func history(_ watts: [Double]) -> Answer {
    let rows = watts.enumerated().map { row(start - Double(watts.count - 1 - $0.offset), $0.element) }
    return .history(HistoryReport(seconds: 900, rows: rows))
  }

  static func info(interval: Double = 1, isSimulated: Bool = false, tellsLimits: Bool = false) -> Answer {
    .info(
      ServiceInfo(
        version: "0.2.0", source: isSimulated ? "simulated" : "msr", isSimulated: isSimulated,
        intervalSeconds: interval, cpu: "A CPU", description: "2 packages", packages: [],
        policy: Policy(
          isTrusted: false, trustedGroup: nil, shortestIntervalSeconds: 0.25, wattsResolution: 0.01,
          joulesResolution: 0.01), requests: Request.served.filter { tellsLimits || $0.key != "limits" }))
  }

  /// Two packages, the first with all domains, of which one cannot be read.
  static func report(
    at end: Double = start, watts: Double = 59.75, status: PowerLine.Status = .ok, reason: String? = nil
  ) -> SampleReport {
    SampleReport(
      sequence: 1, unixSeconds: end, monotonicSeconds: end, windowSeconds: 1, watts: watts, joules: 12_345.67,
      isLowerBound: true, status: status, reason: reason, rejectedReadings: 2,
      packages: [
        SampleReport.Package(
          id: PackageID(package: 0), watts: 42.5, joules: 8781.42, isLowerBound: false,
          domains: [
            .core: SampleReport.Domain(watts: 29.75, joules: 6147, isLowerBound: false),
            .uncore: SampleReport.Domain(watts: nil, joules: 3, isLowerBound: true),
            .dram: SampleReport.Domain(watts: 3.1, joules: 640, isLowerBound: false),
            .psys: SampleReport.Domain(watts: 70, joules: 14_000, isLowerBound: false),
          ]),
        SampleReport.Package(
          id: PackageID(package: 1), watts: 17.25, joules: 3564.25, isLowerBound: true,
          domains: [.core: SampleReport.Domain(watts: 12, joules: 2400, isLowerBound: false)]),
      ],
      service: SampleReport.Cost(cpuSeconds: 0.12, wakeups: 123))
  }

  /// One package without further domains.
  static func small(at end: Double = start, watts: Double = 42.5, status: PowerLine.Status = .ok) -> SampleReport {
    SampleReport(
      sequence: 1, unixSeconds: end, monotonicSeconds: end, windowSeconds: 1, watts: watts, joules: 951,
      isLowerBound: false, status: status,
      packages: [SampleReport.Package(id: PackageID(package: 0), watts: watts, joules: 951, isLowerBound: false)],
      service: SampleReport.Cost(cpuSeconds: 0.12, wakeups: 123))
  }

  static func view(_ answers: [Answer]) -> LiveView {
    var view = LiveView()
    for answer in answers { view.apply(answer) }
    return view
  }

  /// A saw of a minute and a half, up to 59 W.
  static let saw = history((0..<90).map { 20 + Double(($0 + 30) % 40) })
}

extension LiveView {
  func text(
    _ columns: Int, _ rows: Int, _ characters: GraphCharacters = .blocks, now: Double = Samples.start
  ) -> [String] {
    lines(size: ScreenSize(columns: columns, rows: rows), characters: characters, now: now).map(\.text)
  }
}
