import RAPL
import Testing

@testable import PowerSources

@Suite("A simulated load")
struct LoadTests {
  private static func watts(_ load: SimulatedLoad, at seconds: Double) -> Double {
    (load.joules(seconds: seconds + 1e-4) - load.joules(seconds: seconds - 1e-4)) / 2e-4
  }

  @Test("energy is the integral of power, within a slot, over slots, and over whole cycles", arguments: [1, 5, 77])
  func integral(seed: UInt64) {
    let load = SimulatedLoad.desktop(seed: seed)
    for (start, end) in [(0.1, 0.4), (1.0, 9.0), (120.0, 140.0), (1270.0, 1300.0)] {
      // Power runs in straight lines between slots: the midpoint rule is exact but for the slot boundaries.
      let step = 0.001
      let count = Int(((end - start) / step).rounded())
      let sum = (0..<count).reduce(0.0) { $0 + Self.watts(load, at: start + (Double($1) + 0.5) * step) * step }
      let energy = load.joules(seconds: end) - load.joules(seconds: start)
      #expect(abs(sum - energy) < energy * 1e-4, "\(start) to \(end): \(sum) J, not \(energy) J")
    }
  }

  @Test("neither energy nor power jumps at the boundary of a slot or of a cycle", arguments: [1, 5, 77])
  func boundaries(seed: UInt64) {
    let load = SimulatedLoad.desktop(seed: seed)
    for slot in 1...200 {
      let seconds = Double(slot) * 2
      let before = load.joules(seconds: seconds - 1e-6)
      let after = load.joules(seconds: seconds + 1e-6)
      #expect(after > before && after - before < 200e-6)
      #expect(abs(Self.watts(load, at: seconds - 0.001) - Self.watts(load, at: seconds + 0.001)) < 0.2)
    }
    // Every cycle draws the same.
    let cycle = load.joules(seconds: 128)
    #expect(abs(load.joules(seconds: 128 * 1000) - 1000 * cycle) < 0.001)
  }

  @Test("other seeds draw otherwise, the same seed the same")
  func seeds() {
    let totals = (1...20 as ClosedRange<UInt64>).map { SimulatedLoad.desktop(seed: $0).joules(seconds: 60) }
    #expect(Set(totals).count == totals.count)
    #expect(SimulatedLoad.desktop(seed: 4).joules(seconds: 60) == totals[3])
  }

  @Test("noise is spread evenly over 0..<1")
  func evenNoise() {
    let values = (0..<10_000).map { noise(UInt64($0), 3) }
    #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(abs(values.reduce(0, +) / 10_000 - 0.5) < 0.02)
    #expect((0..<10).allSatisfy { tenth in values.count { Int($0 * 10) == tenth } > 800 })
  }

  @Test(
    "a CPU belongs to the package it is numbered into, or to none",
    arguments: [(0, 0), (3, 0), (4, 1), (7, 1), (8, nil), (-1, nil), (.max, nil), (.min, nil)] as [(Int, Int?)])
  func packages(cpu: Int, package: Int?) {
    let cpus = SimulatedCPU(packages: [.constant(watts: 1), .constant(watts: 2)], cpusPerPackage: 4)
    #expect(cpus.package(of: cpu) == package)
    #expect(SimulatedCPU(packages: [], cpusPerPackage: 4).package(of: cpu) == nil)
    #expect(SimulatedCPU(packages: [.constant(watts: 1)], cpusPerPackage: 0).package(of: cpu) == nil)
  }

  @Test("the counter begins where it is told, and its first update comes by its period")
  func counterStart() throws {
    let slow = SimulatedCPU(
      packages: [.constant(watts: 1000)], counterStart: .max, updates: SimulatedCPU.Updates(period: 3_600_000_000_000))
    #expect(try slow.read(0x611, cpu: 0) == UInt64(UInt32.max))
    #expect(try slow.read(0xC001_029B, cpu: 1) == UInt64(UInt32.max))
  }

  @Test("counters move in the source's probe, by a constant load, from any start", arguments: [0, 1, .max] as [UInt32])
  func probe(start: UInt32) throws {
    let cpu = SimulatedCPU(packages: [.constant(watts: 42.5), .constant(watts: 17.25)], counterStart: start)
    let identity = CPUIdentity(vendor: .intel, family: 6, model: 0x9E)
    var source = try CounterSource(registers: cpu, packages: cpu.packages, identity: identity, map: .intel)
    var meter = PowerMeter()
    let first = source.read()
    _ = meter.measure(first)
    // The counters' steps are a millisecond: over 200 of them the mean is right to a percent.
    var last = source.read()
    while last.readings[0].monotonicNanoseconds - first.readings[0].monotonicNanoseconds < 200_000_000 {
      last = source.read()
    }
    guard case .window(let window) = meter.measure(last) else {
      Issue.record("no sample")
      return
    }
    let watts = [window.watts(of: 0), window.watts(of: 1)]
    #expect(abs(watts[0] - 42.5) < 1 && abs(watts[1] - 17.25) < 0.5, "\(watts)")
  }

  @Test("Intel's and AMD's counters tell the same joules")
  func vendors() throws {
    let updates = SimulatedCPU.Updates(period: 1, jitter: 0)
    for (unit, energy) in [(0x606, 0x611), (0xC001_0299, 0xC001_029B)] as [(UInt32, UInt32)] {
      let before = ContinuousClock.now
      let cpu = SimulatedCPU(packages: [.constant(watts: 500)], counterStart: 0, updates: updates)
      let after = ContinuousClock.now
      let units = try #require(UnitRegister(try cpu.read(unit, cpu: 0)))
      let model = CPUModel(CPUIdentity(vendor: .amd, family: 25, model: 1))
      while ContinuousClock.now - after < .milliseconds(1) {}
      let early = ContinuousClock.now
      let joules = units.energyUnit(of: .package, on: model).joules(try cpu.read(energy, cpu: 0))
      let late = ContinuousClock.now
      // One count less at most, and one nanosecond.
      #expect(joules >= 500 * ((early - after) / .seconds(1)) - 1e-4)
      #expect(joules <= 500 * ((late - before) / .seconds(1)) + 1e-6)
    }
    let cpu = SimulatedCPU(packages: [.constant(watts: 500)])
    #expect(try cpu.read(0x614, cpu: 0) == 95 << 3)
  }

  @Test("no updates that a hardware counter could not have")
  func updates() {
    let updates = SimulatedCPU.Updates(period: 0, jitter: 50)
    #expect(updates.period == 1 && updates.jitter == 0)
    #expect(SimulatedCPU.Updates(period: 10, jitter: 10).jitter == 9)
    #expect(SimulatedCPU.Updates(period: 10, jitter: -1).jitter == 0)
  }
}
