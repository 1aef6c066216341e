import RAPL
import Testing

@testable import EnergyRun
@testable import PowerProtocol

@Suite("A sample as a moment")
struct PointTests {
  private let id = PackageID(package: 1)

  private func sample(_ status: PowerLine.Status = .ok, dramWatts: Double? = 4) -> SampleReport {
    SampleReport(
      sequence: 1, unixSeconds: 7, monotonicSeconds: 5, windowSeconds: 0.25, watts: 42.5, joules: 100,
      isLowerBound: false, status: status,
      packages: [
        SampleReport.Package(
          id: id, watts: 42.5, joules: 100, isLowerBound: false,
          domains: [
            .core: SampleReport.Domain(watts: 30, joules: 70, isLowerBound: true),
            .dram: SampleReport.Domain(watts: dramWatts, joules: 10, isLowerBound: false),
          ])
      ], service: SampleReport.Cost(cpuSeconds: 0, wakeups: 0))
  }

  @Test("has every channel's joules")
  func channels() throws {
    let point = try #require(EnergyPoint(sample()))
    #expect(point.seconds == 5 && point.windowStart == 4.75)
    #expect(
      point.joules == [
        .total: 100, .part(DomainID(id, .package)): 100, .part(DomainID(id, .core)): 70, .part(DomainID(id, .dram)): 10,
      ])
    #expect(point.lowerBounds == [.part(DomainID(id, .core))])
  }

  @Test("lacks a domain that could not be read")
  func domain() throws {
    let point = try #require(EnergyPoint(sample(dramWatts: nil)))
    #expect(point.joules.keys.sorted() == [.total, .part(DomainID(id, .package)), .part(DomainID(id, .core))])
  }

  @Test(
    "is none where the sample is stale",
    arguments: [(.ok, true), (.simulated, true), (.stale, false)] as [(PowerLine.Status, Bool)])
  func stale(status: PowerLine.Status, isPoint: Bool) {
    #expect((EnergyPoint(sample(status)) != nil) == isPoint)
  }

  @Test("sorts the total first, and each package before its domains")
  func order() {
    let other = PackageID(package: 0)
    let sorted: [EnergyChannel] = [
      .total, .part(DomainID(other, .package)), .part(DomainID(other, .core)), .part(DomainID(other, .dram)),
      .part(DomainID(id, .package)), .part(DomainID(id, .uncore)),
      .part(DomainID(id, .psys)),
    ]
    #expect(sorted.reversed().sorted() == sorted)
  }
}
