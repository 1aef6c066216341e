import Foundation
import RAPL
import Synchronization
import Testing

@testable import PowerSources

/// Registers that answer by CPU, by register and by how often they were read before.
private final class Registers: RegisterFile {
  typealias Answer = @Sendable (_ address: UInt32, _ cpu: Int, _ before: Int) throws(RegisterError) -> UInt64
  private let count = Mutex(0)
  private let seen = Mutex<[UInt32]>([])
  private let readers = Mutex<[Int]>([])
  private let answer: Answer

  init(_ answer: @escaping Answer) {
    self.answer = answer
  }

  var addresses: Set<UInt32> { Set(seen.withLock { $0 }) }

  /// The CPUs that were read through since the last call.
  func takeCPUs() -> [Int] {
    readers.withLock { cpus in
      defer { cpus = [] }
      return cpus
    }
  }

  func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
    seen.withLock { $0.append(address) }
    readers.withLock { $0.append(cpu) }
    let before = count.withLock { count in
      count += 1
      return count - 1
    }
    return try answer(address, cpu, before)
  }
}

private let two = [
  PackageCPUs(id: PackageID(package: 0), cpus: [0, 1]), PackageCPUs(id: PackageID(package: 1), cpus: [2, 3]),
]
/// How far the second package's counter is ahead of the first one's.
private let ahead: UInt64 = 1 << 24
private let desktop = CPUIdentity(vendor: .intel, family: 6, model: 0x9E)

@Suite("Faults under a source of registers")
struct ReaderFaultTests {
  @Test("a slow value is kept where the further try fails")
  func slowThenError() throws {
    let registers = Registers { address, cpu, before throws(RegisterError) in
      if before > 0 { throw .absent(address: address, cpu: cpu) }
      return 42
    }
    var reader = CounterReader(0x611, of: two[0], registers)
    // No read takes less than no time: each one counts as interrupted.
    #expect(try reader.read(toleranceNanoseconds: -1).value == 42)
    #expect(registers.takeCPUs() == [0, 0])
  }

  @Test("the stamp is the middle of the read")
  func midpoint() throws {
    let before = DispatchTime.now().uptimeNanoseconds
    let registers = Registers { _, _, _ in
      let end = DispatchTime.now().uptimeNanoseconds + 4_000_000
      while DispatchTime.now().uptimeNanoseconds < end {}
      return 1
    }
    var reader = CounterReader(0x611, of: two[0], registers)
    let value = try reader.read(toleranceNanoseconds: .max)
    #expect(value.tookNanoseconds >= 4_000_000)
    #expect(value.monotonicNanoseconds >= Int64(before) + value.tookNanoseconds / 2)
    #expect(value.monotonicNanoseconds <= Int64(DispatchTime.now().uptimeNanoseconds) - value.tookNanoseconds / 2)
  }

  @Test("the CPU that stood in goes on when the first is back, and the first stands in for it")
  func fallbackBothWays() throws {
    let offline = Mutex<Set<Int>>([0])
    let registers = Registers { _, cpu, _ throws(RegisterError) in
      if offline.withLock({ $0.contains(cpu) }) { throw .offline(cpu: cpu) }
      return 7
    }
    var reader = CounterReader(0x611, of: two[0], registers)
    for (down, expected) in [([0], [0, 1]), ([], [1]), ([1], [1, 0]), ([], [0])] as [(Set<Int>, [Int])] {
      offline.withLock { $0 = down }
      _ = try reader.read(toleranceNanoseconds: .max)
      #expect(registers.takeCPUs() == expected)
    }
    offline.withLock { $0 = [0, 1] }
    #expect {
      try reader.read(toleranceNanoseconds: .max)
    } throws: {
      "\($0)" == "\(RegisterError.offline(cpu: 0))"
    }
    var nobody = CounterReader(0x611, of: PackageCPUs(id: PackageID(package: 0), cpus: []), registers)
    #expect(throws: SourceError.self) { try nobody.read(toleranceNanoseconds: .max) }
  }

  @Test("a package that faults on every CPU fails alone, with its sentence, and is exact once it is back")
  func onePackageFails() throws {
    let faults = Mutex(false)
    let probing = Mutex(true)
    let value = Mutex<UInt64>(1000)
    let registers = Registers { address, cpu, _ throws(RegisterError) in
      if address == 0x606 { return 0xA0E03 }
      if cpu >= 2 && faults.withLock({ $0 }) { throw .absent(address: address, cpu: cpu) }
      if probing.withLock({ $0 }) { value.withLock { $0 += 1 } }
      return value.withLock { $0 } + (cpu >= 2 ? ahead : 0)
    }
    var source = try CounterSource(registers: registers, packages: two, identity: desktop, map: .intel)
    probing.withLock { $0 = false }
    #expect(source.read().readings.map(\.counts) == [0, 0])
    value.withLock { $0 += 500 }
    faults.withLock { $0 = true }
    let failed = source.read().readings
    #expect(failed.map(\.counts) == [500, 0])
    guard case .read(.advanced(500)) = failed[0].outcome, case .failed(let error) = failed[1].outcome else {
      Issue.record("\(failed)")
      return
    }
    #expect("\(error)".contains("Register 0x611 of CPU 2 cannot be read (EIO)"))
    faults.withLock { $0 = false }
    value.withLock { $0 += 300 }
    let back = source.read().readings
    #expect(back.map(\.counts) == [800, 800])
    #expect(back.allSatisfy { $0.losses == 0 })
  }

  @Test("AMD's source reads AMD's registers and no other, Intel's Intel's")
  func registersOfVendors() throws {
    for (map, expected) in [(.amd, [0xC001_0299, 0xC001_029B]), (.intel, [0x606, 0x611])]
      as [(RegisterMap, Set<UInt32>)]
    {
      let registers = Registers { address, cpu, before in
        address == map.units ? 0xA1003 : UInt64(1000 + before) + (cpu >= 2 ? ahead : 0)
      }
      let vendor: CPUVendor = map == .amd ? .amd : .intel
      var source = try CounterSource(
        registers: registers, packages: two, identity: CPUIdentity(vendor: vendor, family: 25, model: 33), map: map)
      _ = source.read()
      #expect(registers.addresses == expected)
    }
  }

  @Test("a unit is that of the model: Bay Trail's is microjoules")
  func bayTrail() throws {
    let registers = Registers { address, _, before in address == 0x606 ? 0x505 : UInt64(1000 + before) }
    var source = try CounterSource(
      registers: registers, packages: [two[0]], identity: CPUIdentity(vendor: .intel, family: 6, model: 0x37),
      map: .intel)
    #expect(source.read().readings[0].unit == EnergyUnit(joulesPerCount: 32e-6, source: .model))
  }

  @Test("only the low half of a counter counts (64-bit counters, junk above)")
  func highHalf() throws {
    let registers = Registers { address, _, before in
      address == 0x606 ? 0xA0E03 : UInt64(truncatingIfNeeded: before) << 40 | UInt64(1000 + before)
    }
    var source = try CounterSource(registers: registers, packages: [two[0]], identity: desktop, map: .intel)
    _ = source.read()
    let reading = source.read().readings[0]
    #expect(reading.counts > 0 && reading.counts < 10 && reading.losses == 0)
  }

  @Test("every package gets its time to show that its counter moves, however long another took")
  func slowProbe() throws {
    let start = Mutex<[Int: UInt64]>([:])
    let registers = Registers { address, cpu, before in
      guard address == 0x611 else { return address == 0x606 ? 0xA0E03 : 0 }
      let now = DispatchTime.now().uptimeNanoseconds
      let first = start.withLock { times in
        times[cpu] = times[cpu] ?? now
        return times[cpu] ?? now
      }
      return (now - first > 60_000_000 ? 2000 + UInt64(before) : 1000) + (cpu >= 2 ? ahead : 0)
    }
    let source = try CounterSource(registers: registers, packages: two, identity: desktop, map: .intel)
    #expect(source.summary.contains("2 packages"))
  }
}
