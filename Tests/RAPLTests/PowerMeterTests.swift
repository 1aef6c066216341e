import PowerSources
import RAPL
import Testing

/// Builds snapshots of a machine whose packages are read one millisecond apart.
private struct Machine {
  static let second: Int64 = 1_000_000_000
  var counters: [EnergyCounter]
  let unit = EnergyUnit(joulesPerCount: 1 / 16_384)

  init(packages: Int) {
    let unit = EnergyUnit(joulesPerCount: 1 / 16_384)
    counters = (0..<packages).map { _ in EnergyCounter(unit: unit, bound: PowerBound(watts: 1000)) }
  }

  /// Reads every package: nil is a failed read.
  mutating func snapshot(_ values: [UInt32?], at seconds: Double, asleep: Int64 = 0) -> EnergySnapshot {
    let readings = values.enumerated().map { index, value in
      let time = Int64(seconds * 1e9) + Int64(index) * 1_000_000
      let outcome: EnergyReading.Outcome =
        value.map { .read(counters[index].record(UInt64($0), at: time + asleep)) } ?? .failed(Unreadable())
      return EnergyReading(
        package: PackageID(package: index), outcome: outcome, counts: counters[index].total, unit: unit,
        losses: counters[index].losses, monotonicNanoseconds: time)
    }
    return EnergySnapshot(readings: readings, unixNanoseconds: 5_000 + Int64(seconds * 1e9), asleepNanoseconds: asleep)
  }
}

private struct Unreadable: Error {}

/// A count that `watts` reach in `seconds`, from 1,000,000.
private func at(_ watts: Double, _ seconds: Double) -> UInt32 { 1_000_000 + UInt32(watts * seconds * 16_384) }

extension PowerMeter.Result {
  fileprivate var watts: Double? {
    if case .window(let window) = self { window.sample.watts } else { nil }
  }

  fileprivate var reason: String {
    if case .none(let reason) = self { "\(reason)" } else { "" }
  }
}

@Suite("Watts from energy")
struct PowerMeterTests {
  @Test("packages are summed, each over its own window")
  func sum() throws {
    var machine = Machine(packages: 2)
    var meter = PowerMeter()
    #expect(meter.measure(machine.snapshot([at(42.5, 0), at(17.25, 0)], at: 10)).watts == nil)
    guard case .window(let window) = meter.measure(machine.snapshot([at(42.5, 1), at(17.25, 1)], at: 11)) else {
      Issue.record("no sample")
      return
    }
    let sample = window.sample
    #expect(abs(sample.watts - 59.75) < 0.001)
    #expect(abs(window.watts(of: 0) - 42.5) < 0.001 && abs(window.watts(of: 1) - 17.25) < 0.001)
    #expect(sample.windowNanoseconds == Machine.second)
    #expect(sample.endMonotonicNanoseconds == 11 * Machine.second + 1_000_000)
    #expect(sample.endUnixNanoseconds == 5_000 + 11 * Machine.second)
  }

  @Test("a failed read holds the whole sum back, and the next window spans it exactly")
  func failure() {
    var machine = Machine(packages: 2)
    var meter = PowerMeter()
    _ = meter.measure(machine.snapshot([at(40, 0), at(20, 0)], at: 0))
    let failed = meter.measure(machine.snapshot([at(40, 1), nil], at: 1))
    #expect(failed.watts == nil && failed.reason.contains("package 1"))
    #expect(abs((meter.measure(machine.snapshot([at(40, 2), at(20, 2)], at: 2)).watts ?? 0) - 60) < 0.001)
  }

  @Test("a counter that stands still gives no sample, not 0 W (scaphandre shows 0 W without permission)")
  func idle() {
    var machine = Machine(packages: 1)
    var meter = PowerMeter()
    _ = meter.measure(machine.snapshot([at(40, 0)], at: 0))
    let idle = meter.measure(machine.snapshot([at(40, 0)], at: 1))
    #expect(idle.watts == nil && idle.reason.contains("does not move"))
    #expect(abs((meter.measure(machine.snapshot([at(40, 2)], at: 2)).watts ?? 0) - 40) < 0.001)
  }

  @Test(
    "a reset, a jump or a zero is no spike (pcm, codecarbon and telegraf make one)",
    arguments: [
      [1000, 700_000, 1_400_000], [3_000_000_000, 3_000_655_360, 3_001_310_720], [0, 2_310_720, 2_966_080],
    ]
      as [[UInt32]])
  func noSpike(values: [UInt32]) {
    var machine = Machine(packages: 1)
    var meter = PowerMeter()
    _ = meter.measure(machine.snapshot([at(40, 0)], at: 0))
    for (index, value) in values.enumerated() {
      if let watts = meter.measure(machine.snapshot([value], at: Double(index + 1))).watts {
        #expect(watts > 35 && watts < 45, "\(watts) W after \(value)")
      }
    }
    let next = values[values.count - 1] + 655_360
    #expect(abs((meter.measure(machine.snapshot([next], at: 4)).watts ?? 0) - 40) < 0.01)
  }

  @Test("a window in which the machine slept is thrown away (s-tui shows wrong power after suspend)")
  func suspend() {
    var machine = Machine(packages: 1)
    var meter = PowerMeter()
    _ = meter.measure(machine.snapshot([at(40, 0)], at: 0))
    let slept = meter.measure(machine.snapshot([at(40, 5)], at: 1, asleep: 8 * Machine.second))
    #expect(slept.watts == nil && slept.reason.contains("asleep"))
    let after = meter.measure(machine.snapshot([at(40, 6)], at: 2, asleep: 8 * Machine.second + 1000))
    #expect(abs((after.watts ?? 0) - 40) < 0.001)
  }

  @Test("a long gap is a new window, and the energy says that it is a lower bound")
  func gap() {
    var machine = Machine(packages: 1)
    var meter = PowerMeter()
    _ = meter.measure(machine.snapshot([at(40, 0)], at: 0))
    let snapshot = machine.snapshot([at(40, 260)], at: 260)
    #expect(meter.measure(snapshot).reason.contains("not read for too long"))
    #expect(snapshot.readings[0].losses == 1)
    #expect(abs((meter.measure(machine.snapshot([at(40, 261)], at: 261)).watts ?? 0) - 40) < 0.001)
  }

  @Test("a source whose first reading failed begins with the first good one")
  func lateStart() {
    var machine = Machine(packages: 1)
    var meter = PowerMeter()
    #expect(meter.measure(machine.snapshot([nil], at: 0)).watts == nil)
    #expect(meter.measure(machine.snapshot([0], at: 1)).watts == nil)
    #expect(meter.measure(machine.snapshot([at(40, 2)], at: 2)).watts == nil)
    #expect(abs((meter.measure(machine.snapshot([at(40, 3)], at: 3)).watts ?? 0) - 40) < 0.001)
  }

  @Test("a clock that does not advance divides by nothing")
  func noTime() {
    var machine = Machine(packages: 1)
    var meter = PowerMeter()
    _ = meter.measure(machine.snapshot([at(40, 0)], at: 0))
    #expect(meter.measure(machine.snapshot([at(40, 0) + 5], at: 0)).watts == nil)
    var nothing = PowerMeter()
    let empty = EnergySnapshot(readings: [], unixNanoseconds: 0, asleepNanoseconds: 0)
    _ = nothing.measure(empty)
    #expect(nothing.measure(empty).watts == nil)
  }

  @Test("begins no window with a snapshot that lacks a package", arguments: [0, nil] as [UInt32?])
  func badStart(value: UInt32?) {
    var machine = Machine(packages: 1)
    _ = machine.snapshot([at(42.5, 0)], at: 0)
    var meter = PowerMeter(start: machine.snapshot([value], at: 2))
    #expect(meter.measure(machine.snapshot([at(42.5, 3)], at: 3)).watts == nil)
    let watts = meter.measure(machine.snapshot([at(42.5, 4)], at: 4)).watts
    #expect(watts.map { abs($0 - 42.5) < 0.01 } == true)
  }
}
