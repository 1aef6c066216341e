import PowerProtocol
import RAPL
import Testing

@testable import PowerServer

@Suite("A window's domains")
struct WindowReportTests {
  private func snapshot(_ counts: [(PowerDomain, UInt64)], at time: Int64) -> EnergySnapshot {
    EnergySnapshot(
      readings: counts.map { domain, counts in
        EnergyReading(
          package: PackageID(package: 0), domain: domain, outcome: .read(.idle), counts: counts,
          unit: EnergyUnit(joulesPerCount: 1), losses: 0, monotonicNanoseconds: time)
      }, unixNanoseconds: time, asleepNanoseconds: 0)
  }

  private func domains(_ start: EnergySnapshot, _ end: EnergySnapshot) throws -> [PowerDomain: SampleReport.Domain] {
    var meter = PowerMeter(start: start)
    guard case .window(let window) = meter.measure(end) else {
      Issue.record("no window")
      return [:]
    }
    let policy = AccessPolicy(ServerSettings(intervalSeconds: 1)).policy(trusted: true)
    let report = window.report(
      sequence: 1, status: .ok, reason: nil, policy: policy, domains: true, cost: .init(cpuSeconds: 0, wakeups: 0))
    return try #require(report.packages.first).domains
  }

  @Test("say nothing of a platform that has not moved, and 0 W of an uncore that is idle")
  func still() throws {
    let found = try domains(
      snapshot([(.package, 10), (.uncore, 5), (.dram, 1), (.psys, 123_456)], at: 1_000_000_000),
      snapshot([(.package, 52), (.uncore, 5), (.dram, 5), (.psys, 123_456)], at: 2_000_000_000))
    #expect(found[.psys]?.watts == nil && found[.uncore]?.watts == 0 && found[.dram]?.watts == 4)
  }

  @Test("take none for another, if one is left out in between")
  func leftOut() throws {
    let found = try domains(
      snapshot([(.package, 10), (.psys, 123_456), (.dram, 1)], at: 1_000_000_000),
      snapshot([(.package, 52), (.dram, 123_460)], at: 2_000_000_000))
    #expect(found[.psys] == nil && found[.dram]?.watts == nil)
  }
}

extension ServerSettingsTests {
  @Test("a sample is stale after two and a half updates, if counters move more seldom than samples are taken")
  func updates() {
    var settings = ServerSettings(intervalSeconds: 0.5)
    settings.updateNanoseconds = 1_020_000_000
    #expect(settings.staleAge == 2_550_000_000)
    settings.updateNanoseconds = 300_000_000
    #expect(settings.staleAge == 1_250_000_000)
  }
}
