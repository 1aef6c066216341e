import RAPL
import Testing

@testable import PowerProtocol
@testable import Terminal

@Suite("The line of headroom")
struct HeadroomTests {
  private static func report(
    at seconds: Double, throttled: Double? = nil, active: [LimitReason] = [], pl1: Double? = 28, tdp: Double? = 45,
    isPlausible: Bool = true, isEnabled: Bool? = true, isLocked: Bool = false, packages: Int = 1
  ) -> LimitsReport {
    LimitsReport(
      unixSeconds: 1000 + seconds, monotonicSeconds: seconds, source: "msr",
      packages: (0..<packages).map { number in
        LimitsReport.Package(
          id: PackageID(package: number),
          limits: PackageLimits(
            limits: pl1.map {
              [
                PowerLimit(
                  name: .pl1, watts: CheckedNumber($0, isPlausible: isPlausible), windowSeconds: CheckedNumber(28),
                  isEnabled: isEnabled, isClamped: false, isLocked: isLocked)
              ]
            } ?? [], tdpWatts: tdp.map { CheckedNumber($0) }),
          throttling: PackageThrottling(
            throttledSeconds: throttled.map { [.package: $0] } ?? [:],
            throttledRangeSeconds: throttled.map { _ in 4_194_304 },
            reasons: [.core: LimitReasons(active: active, logged: [])]))
      })
  }

  private func line(_ reports: [LimitsReport], watts: Double = 31, packages: Int = 1, width: Int = 200) -> String? {
    var model = WatchModel()
    model.connected()
    for report in reports { model.apply(.limits(report)) }
    let parts = (0..<packages).map {
      SampleReport.Package(
        id: PackageID(package: $0), watts: watts / Double(packages), joules: 1, isLowerBound: false)
    }
    model.apply(
      .sample(
        SampleReport(
          sequence: 1, unixSeconds: 1000, monotonicSeconds: 1, windowSeconds: 1, watts: watts, joules: 1,
          isLowerBound: false, status: .ok, reason: nil, packages: parts, service: .init(cpuSeconds: 0, wakeups: 0))))
    return HeadroomLine.text(model, width: width)
  }

  @Test("tells power, limit, and how long and why the last minute was throttled")
  func whole() {
    let reports = (0...90).map { second in
      Self.report(at: Double(second), throttled: 100 + Double(second) * 0.035, active: second == 60 ? [.thermal] : [])
    }
    #expect(
      line(reports) == "31 of 45 W TDP; limit 28 W over 28 s; throttled 2.1 s of the last minute: thermal")
    #expect(line(reports, width: 70) == "limit 28 W over 28 s; throttled 2.1 s of the last minute: thermal")
    #expect(line(reports, width: 50) == "throttled 2.1 s of the last minute: thermal")
    #expect(line(reports, width: 10) == nil)
  }

  @Test("of many reasons keeps the first if they do not fit, then how long, and says all for all")
  func narrow() {
    let reports = [1.0, 3.0].map {
      Self.report(at: $0, throttled: $0, active: [.thermal, .pl1, .prochot, .electrical])
    }
    #expect(line(reports, width: 60)?.hasPrefix("throttled all of the last 2 s: ") == true)
    #expect(line(reports, width: 48)?.hasSuffix(", ...") == true)
    #expect(line(reports, width: 30) == "throttled all of the last 2 s")
  }

  @Test("leaves out what is not known, off, or cannot be true")
  func parts() {
    #expect(line([]) == nil)
    #expect(line([Self.report(at: 1, pl1: nil, tdp: nil)]) == nil)
    #expect(line([Self.report(at: 1)]) == "31 of 45 W TDP; limit 28 W over 28 s")
    #expect(line([Self.report(at: 1, isLocked: true)]) == "31 of 45 W TDP; limit 28 W over 28 s, locked")
    #expect(line([Self.report(at: 1, pl1: 4095.875, isPlausible: false)]) == "31 of 45 W TDP")
    #expect(line([Self.report(at: 1, isEnabled: false)]) == "31 of 45 W TDP")
    #expect(line([Self.report(at: 1, isEnabled: nil)]) == "31 of 45 W TDP; limit 28 W over 28 s, unless it is off")
    #expect(line([Self.report(at: 1, tdp: nil)]) == "limit 28 W over 28 s")
    #expect(
      line([Self.report(at: 1, active: [.pl1], tdp: nil), Self.report(at: 2, active: [.pl1, .prochot], tdp: nil)])
        == "limit 28 W over 28 s; slowed down: PL1, PROCHOT")
    #expect(
      line([Self.report(at: 1, throttled: 7), Self.report(at: 3, throttled: 7)])
        == "31 of 45 W TDP; limit 28 W over 28 s; not throttled")
    #expect(
      line([Self.report(at: 1, packages: 2)], watts: 62, packages: 2)
        == "62 of 90 W TDP; limit of each package 28 W over 28 s")
    // One package's design power is not that of both.
    #expect(line([Self.report(at: 1, pl1: nil)], packages: 2) == nil)
  }

  @Test("follows the counter of throttled time around its end, and believes no time longer than the time itself")
  func counter() {
    #expect(
      line([Self.report(at: 1, throttled: 4_194_303), Self.report(at: 11, throttled: 1)])
        == "31 of 45 W TDP; limit 28 W over 28 s; throttled 2.0 s of the last 10 s")
    #expect(
      line([Self.report(at: 1, throttled: 500), Self.report(at: 11, throttled: 3)])
        == "31 of 45 W TDP; limit 28 W over 28 s")
  }

  @Test("forgets the limits of a service that is gone, and of a clock that began anew")
  func forgets() {
    var track = LimitsTrack()
    track.append(Self.report(at: 500, throttled: 9))
    track.append(Self.report(at: 3, throttled: 1))
    #expect(track.coveredSeconds == 0 && track.latest?.monotonicSeconds == 3)
    track.append(LimitsReport(unixSeconds: 1, monotonicSeconds: 4, source: nil, packages: []))
    #expect(track.latest?.monotonicSeconds == 3)
  }

  @Test("are not kept more often than a service reads them, however many come")
  func flood() {
    var track = LimitsTrack()
    for number in 0..<1000 { track.append(Self.report(at: 1 + Double(number) / 10_000)) }
    #expect(track.latest?.monotonicSeconds == 1 && track.coveredSeconds == 0)
    track.append(Self.report(at: 1.237))
    #expect(track.latest?.monotonicSeconds == 1.237)
  }

  @Test("is below the first line of a fresh reading only")
  func fresh() {
    let answers: [Answer] = [.limits(Self.report(at: 1)), .sample(Samples.small())]
    func second(_ now: Double, rows: Int = 24) -> String {
      Samples.view(answers).lines(
        size: ScreenSize(columns: 80, rows: rows), characters: .ascii, now: now)[1].text
    }
    #expect(second(Samples.start) == "43 of 45 W TDP; limit 28 W over 28 s")
    #expect(!second(Samples.start + 60).contains("TDP") && !second(Samples.start, rows: 7).contains("TDP"))
  }
}
