import Foundation
import RAPL
import Synchronization
import Testing

@testable import PowerSources

/// Registers that do what a test tells them, and count how often they are read.
private final class ScriptedRegisters: RegisterFile {
  struct Read: Equatable {
    let address: UInt32
    let cpu: Int
  }

  private let reads = Mutex<[Read]>([])
  private let answer: @Sendable (Read, Int) throws(RegisterError) -> UInt64

  /// `answer` gets each read and how many there were before it.
  init(_ answer: @escaping @Sendable (Read, Int) throws(RegisterError) -> UInt64) {
    self.answer = answer
  }

  func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
    let read = Read(address: address, cpu: cpu)
    let before = reads.withLock { reads in
      reads.append(read)
      return reads.count - 1
    }
    return try answer(read, before)
  }

  var cpus: [Int] { reads.withLock { $0.map(\.cpu) } }
  var count: Int { reads.withLock { $0.count } }
}

private let package = PackageCPUs(id: PackageID(package: 0), cpus: [4, 5, 6])
private let intel = CPUIdentity(vendor: .intel, family: 6, model: 0x9E)

private func spin(nanoseconds: UInt64) {
  let end = DispatchTime.now().uptimeNanoseconds + nanoseconds
  while DispatchTime.now().uptimeNanoseconds < end {}
}

@Suite("Reading a register of a package")
struct CounterReaderTests {
  @Test("another CPU stands in for one that is offline, and goes on doing so")
  func fallback() throws {
    let registers = ScriptedRegisters { read, _ throws(RegisterError) in
      if read.cpu < 6 { throw .offline(cpu: read.cpu) }
      return 7
    }
    var reader = CounterReader(0x611, of: package, registers)
    #expect(try reader.read(toleranceNanoseconds: .max).value == 7)
    #expect(registers.cpus == [4, 5, 6])
    #expect(try reader.read(toleranceNanoseconds: .max).value == 7)
    #expect(registers.cpus == [4, 5, 6, 6])
  }

  @Test("where no CPU can, the first one's error tells why")
  func allOffline() {
    let registers = ScriptedRegisters { read, _ throws(RegisterError) in throw .offline(cpu: read.cpu) }
    var reader = CounterReader(0x611, of: package, registers)
    #expect {
      try reader.read(toleranceNanoseconds: .max)
    } throws: {
      "\($0)" == "\(RegisterError.offline(cpu: 4))"
    }
  }

  @Test("an interrupted read is repeated, three times at most, and the quickest is kept")
  func interrupted() throws {
    let registers = ScriptedRegisters { _, before in
      spin(nanoseconds: before == 1 ? 2_000_000 : 6_000_000)
      return UInt64(before)
    }
    var reader = CounterReader(0x611, of: package, registers)
    let value = try reader.read(toleranceNanoseconds: 1_000)
    #expect(registers.count == 3)
    #expect(value.value == 1 && value.tookNanoseconds < 6_000_000)
  }

  @Test("a read within the tolerance is not repeated")
  func once() throws {
    let registers = ScriptedRegisters { _, _ in 7 }
    var reader = CounterReader(0x611, of: package, registers)
    _ = try reader.read(toleranceNanoseconds: .max)
    #expect(registers.count == 1)
  }
}

@Suite("A source of registers")
struct RegisterSourceTests {
  private func source(
    map: RegisterMap = .intel, identity: CPUIdentity = intel, _ registers: ScriptedRegisters
  ) throws -> CounterSource {
    try CounterSource(registers: registers, packages: [package], identity: identity, map: map)
  }

  @Test("reads the registers of its vendor", arguments: [RegisterMap.intel, .amd])
  func vendor(map: RegisterMap) throws {
    let registers = ScriptedRegisters { read, before in
      switch read.address {
      case map.units: 0xA0E03
      case map.energy(of: .package): UInt64(1000 + before)
      default: 0
      }
    }
    var source = try source(map: map, identity: CPUIdentity(vendor: .amd, family: 25, model: 33), registers)
    #expect(source.summary.contains("1 package") && !source.isSimulated)
    let first = source.read()
    let second = source.read()
    #expect(first.readings.count == 1 && first.readings[0].counts == 0)
    #expect(second.readings[0].counts > 0 && second.readings[0].losses == 0)
    #expect(second.readings[0].monotonicNanoseconds > first.readings[0].monotonicNanoseconds)
  }

  @Test("the number of cores makes the bound, and so how long a counter may go unread")
  func cores() throws {
    let registers = ScriptedRegisters { read, before in read.address == 0x606 ? 0xA0E03 : UInt64(1000 + before) }
    for (cores, seconds) in [(1, 262_144 / 260.0), (16, 262_144 / 1160.0), (64, 262_144 / 4040.0)] {
      let source = try CounterSource(
        registers: registers, packages: [PackageCPUs(id: package.id, cpus: package.cpus, cores: cores)],
        identity: intel, map: .intel)
      #expect(abs(source.longestIntervalSeconds / seconds - 0.71) < 0.001)
    }
  }

  struct Broken: CustomTestStringConvertible {
    let testDescription: String
    let registers: @Sendable (UInt32, Int) throws(RegisterError) -> UInt64
    let sentence: String
  }

  @Test(
    "what cannot be measured is said, not measured",
    arguments: [
      Broken(
        testDescription: "units read 0", registers: { address, _ in address == 0x606 ? 0 : 1 },
        sentence: "The energy unit register 0x606 reads 0"),
      Broken(
        testDescription: "units that no CPU has", registers: { address, _ in address == 0x606 ? 0x1F00 : 77 },
        sentence: "than on any CPU"),
      Broken(
        testDescription: "counter reads 0", registers: { address, _ in address == 0x606 ? 0xA0E03 : 0 },
        sentence: "The energy counter of package 0 reads 0"),
      Broken(
        testDescription: "counter stands still", registers: { address, _ in address == 0x606 ? 0xA0E03 : 77 },
        sentence: "does not move, or less often than every 2.5 s: it stays at 77"),
      Broken(
        testDescription: "registers fault",
        registers: { address, cpu throws(RegisterError) in throw .absent(address: address, cpu: cpu) },
        sentence: "Register 0x606 of CPU 4 cannot be read (EIO)"),
      Broken(
        testDescription: "registers fail otherwise",
        registers: { address, cpu throws(RegisterError) in throw .failed(address: address, cpu: cpu, errno: EBADF) },
        sentence: "Bad file descriptor"),
    ])
  func broken(_ broken: Broken) {
    let registers = ScriptedRegisters { read, _ throws(RegisterError) in try broken.registers(read.address, read.cpu) }
    do {
      _ = try source(registers)
      Issue.record("it was opened")
    } catch {
      #expect("\(error)".contains(broken.sentence), "\(error)")
    }
  }

  @Test("further domains are read where their register can be read and is not 0, each in its own unit")
  func domains() throws {
    let registers = ScriptedRegisters { read, before throws(RegisterError) in
      switch read.address {
      case 0x606: return 0xA0E03
      case 0x614: return 0
      case 0x641: throw .absent(address: read.address, cpu: read.cpu)
      case 0x64D: return 0
      default: return UInt64(1000 + before)
      }
    }
    var source = try CounterSource(
      registers: registers, packages: [package],
      identity: CPUIdentity(vendor: .intel, family: 6, model: 0x55), map: .intel,
      domains: [.core, .uncore, .dram, .psys])
    let readings = source.read().readings
    #expect(readings.map(\.domain) == [.package, .core, .dram])
    let units: [Double] = [0x1p-14, 0x1p-14, 0x1p-16]
    #expect(readings.map(\.unit.joulesPerCount) == units)
    #expect(source.read().readings[2].counts > 0)
  }

  @Test("one zero at the start does not keep a counter that moves from being used")
  func zeroAtStart() throws {
    let registers = ScriptedRegisters { read, before in
      read.address == 0x606 ? 0xA0E03 : before < 4 ? 0 : UInt64(1000 + before)
    }
    #expect(throws: Never.self) { try source(registers) }
  }

  @Test("a read that fails is a failed reading, with the energy so far")
  func failing() throws {
    let fails = Mutex(false)
    let registers = ScriptedRegisters { read, before throws(RegisterError) in
      if fails.withLock({ $0 }) { throw .absent(address: read.address, cpu: read.cpu) }
      return read.address == 0x606 ? 0xA0E03 : UInt64(1000 + before)
    }
    var source = try source(registers)
    _ = source.read()
    let good = source.read().readings[0].counts
    fails.withLock { $0 = true }
    let failed = source.read().readings[0]
    guard case .failed(let error) = failed.outcome else {
      Issue.record("\(failed.outcome)")
      return
    }
    #expect("\(error)".contains("virtual machine") && failed.counts == good)
  }
}
