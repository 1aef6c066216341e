import PowerSources
import Testing

@testable import MSRDeviceModel

struct CounterTests {
  @Test(
    "a counter that was set goes on from there, modulo 2^32",
    arguments: [
      (0, 100, 350, 250), (7, 100, 100, 7), (0xFFFF_FFFF, 5, 7, 1), (10, 0xFFFF_FFF0, 0x10, 0x2A),
    ] as [(UInt32, UInt32, UInt32, UInt32)])
  func setting(value: UInt32, truth: UInt32, later: UInt32, expected: UInt32) {
    var counter = ShiftedCounter()
    #expect(counter.value(truth) == truth)
    counter.set(value, truth: truth)
    #expect(counter.value(truth) == value)
    #expect(counter.value(later) == expected)
  }

  @Test("a frozen counter goes on from where it stood, however often it is frozen and thawed")
  func freezing() {
    var counter = ShiftedCounter()
    counter.thaw(truth: 90)
    #expect(counter.value(95) == 95)
    counter.freeze(truth: 100)
    #expect(counter.value(5000) == 100)
    counter.freeze(truth: 6000)
    #expect(counter.value(7000) == 100)
    counter.thaw(truth: 8000)
    #expect(counter.value(8001) == 101)
    counter.thaw(truth: 8002)
    #expect(counter.value(8003) == 103)
  }

  @Test("a frozen counter that is set stands at the new value, and goes on from it")
  func settingFrozen() {
    var counter = ShiftedCounter()
    counter.freeze(truth: 100)
    counter.set(7, truth: 200)
    #expect(counter.value(300) == 7)
    counter.thaw(truth: 400)
    #expect(counter.value(410) == 17)
  }
}

struct PackageFaultsTests {
  @Test("both energy registers share their faults, and failing comes before zero")
  func counting() throws {
    let faults = TestedFaults()
    faults.zero(.reads(2))
    faults.fail(.reads(2))
    for address in PackageFaults.addresses {
      #expect(throws: RegisterError.absent(address: address, cpu: 3)) {
        try faults.read(address, cpu: 3, truth: 50)
      }
    }
    for address in PackageFaults.addresses { #expect(try faults.read(address, cpu: 3, truth: 50) == 0) }
    for address in PackageFaults.addresses { #expect(try faults.read(address, cpu: 3, truth: 50) == 50) }
    #expect(faults.reads == 6)
  }

  @Test("a fault that is on holds until it is off")
  func lasting() throws {
    let faults = TestedFaults()
    faults.zero(.on)
    for _ in 0..<100 { #expect(try faults.read(0x611, cpu: 0, truth: 50) == 0) }
    faults.zero(.off)
    #expect(try faults.read(0x611, cpu: 0, truth: 50) == 50)
  }

  @Test("each energy register is set and frozen by its own truth")
  func ownTruth() throws {
    let faults = TestedFaults()
    faults.set(1000) { $0 == 0x611 ? 10 : 40 }
    #expect(try faults.read(0x611, cpu: 0, truth: 11) == 1001)
    #expect(try faults.read(0xC001_029B, cpu: 0, truth: 44) == 1004)
    faults.freeze(true) { $0 == 0x611 ? 12 : 48 }
    faults.freeze(false) { $0 == 0x611 ? 20 : 80 }
    #expect(try faults.read(0x611, cpu: 0, truth: 21) == 1003)
    #expect(try faults.read(0xC001_029B, cpu: 0, truth: 84) == 1012)
  }
}

/// A package's faults by reference: `#expect` does not take what changes a value.
private final class TestedFaults {
  private var faults = PackageFaults()

  var reads: Int { faults.reads }

  func read(_ address: UInt32, cpu: Int, truth: UInt32) throws -> UInt32 {
    try faults.read(address, cpu: cpu, truth: truth)
  }
  func zero(_ duration: Switch.Duration) { faults.zero(duration) }
  func fail(_ duration: Switch.Duration) { faults.fail(duration) }
  func set(_ value: UInt32, truth: (UInt32) -> UInt32) { faults.set(value, truth: truth) }
  func freeze(_ on: Bool, truth: (UInt32) -> UInt32) { faults.freeze(on, truth: truth) }
}
