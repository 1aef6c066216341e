import Foundation
import Synchronization
import Testing

@testable import PowerSources
@testable import RAPL

private let coreAddress: UInt32 = 0xC001_029A
private let zen = CPUIdentity(vendor: .amd, family: 0x19, model: 0x21)

/// An AMD machine: a counter for each core, and one for each package that moves at each read.
private final class Cores: RegisterFile {
  struct State {
    /// By the first CPU of the core.
    var counts: [Int: UInt64] = [:]
    var offline: Set<Int> = []
    var absent: Set<Int> = []
    var online: [UInt8] = [0]
    var later: [PhysicalCore]? = []
    var laterError: Int32 = 0
    var packageReads: UInt64 = 0
    var coreReads: [Int] = []
    /// From step to step of the packages' counters, in nanoseconds, and since when; 0 as long as they move at each read.
    var period: Int64 = 0
    var since: Int64 = 0
  }

  let state = Mutex(State())
  let cores: [PhysicalCore]

  init(_ cores: [PhysicalCore], start: UInt64 = 1000) {
    self.cores = cores
    state.withLock { state in for core in cores { state.counts[core.cpus[0]] = start } }
  }

  func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
    try state.withLock { state throws(RegisterError) in
      if address == coreAddress { state.coreReads.append(cpu) }
      if state.offline.contains(cpu) { throw .offline(cpu: cpu) }
      switch address {
      case 0xC001_0299: return 0xA1003
      case coreAddress:
        if state.absent.contains(cpu) { throw .absent(address: address, cpu: cpu) }
        let core = cores.first { $0.cpus.contains(cpu) } ?? PhysicalCore(cpus: [cpu])
        return state.counts[core.cpus[0]] ?? 0
      default:
        if state.period == 0 { state.packageReads += 100 }
        let steps = state.period == 0 ? 0 : (Self.now - state.since) / state.period
        // No two packages show the same counter.
        return UInt64(cpu + 1) << 24 + state.packageReads + UInt64(steps) * 1000
      }
    }
  }

  func onlineCPUs() -> [UInt8]? { state.withLock { $0.online } }

  func hotplugged(of package: PackageID, besides known: [Int]) throws(RegisterError) -> HotpluggedCPUs? {
    let state = state.withLock { $0 }
    let cpus = state.later?.flatMap(\.cpus).filter { !known.contains($0) } ?? [99]
    guard let first = cpus.first else { return nil }
    if state.laterError != 0 { throw .notOpened(cpu: first, errno: state.laterError) }
    return HotpluggedCPUs(registers: self, cpus: cpus, cores: state.later)
  }

  static var now: Int64 { Int64(DispatchTime.now().uptimeNanoseconds) }

  /// From now on the packages' counters move in steps.
  func step(_ period: Int64) { state.withLock { ($0.period, $0.since) = (period, Self.now) } }

  /// Each core goes on by so much, or the one of that CPU does.
  func advance(_ counts: UInt64, cpu: Int? = nil) {
    state.withLock { state in
      for key in state.counts.keys where cpu == nil || cpu == key {
        state.counts[key, default: 0] = (state.counts[key, default: 0] + counts) & 0xFFFF_FFFF
      }
    }
  }

  func takeCoreReads() -> [Int] {
    state.withLock { state in
      defer { state.coreReads = [] }
      return state.coreReads
    }
  }
}

/// Cores of two threads, numbered as Linux does it: the second threads behind all first ones.
private func cores(_ count: Int, first: Int = 0) -> [PhysicalCore] {
  (0..<count).map { PhysicalCore(cpus: [first + $0, first + $0 + count], place: [0, $0]) }
}

@Suite("AMD's core domain")
struct CoreDomainTests {
  private func package(_ number: Int, _ cores: [PhysicalCore]?) -> PackageCPUs {
    PackageCPUs(
      id: PackageID(package: number), cpus: (cores ?? [PhysicalCore(cpus: [0, 1])]).flatMap(\.cpus).sorted(), cores: 4,
      physicalCores: cores)
  }

  private func source(
    _ registers: Cores, _ packages: [PackageCPUs], isPartial: Bool = false, log: @escaping SourceLog = { _ in },
    boottime: @escaping @Sendable () -> Int64 = { Int64(DispatchTime.now().uptimeNanoseconds) }
  ) throws -> CounterSource {
    try CounterSource(
      registers: registers, packages: packages, identity: zen, map: .amd, domains: Set(PowerDomain.allCases),
      isPartial: isPartial, log: log, boottime: boottime)
  }

  private func core(_ source: inout CounterSource, package: Int = 0) throws -> EnergyReading {
    try #require(source.read().readings.first { $0.domain == .core && $0.package.package == package })
  }

  private func isGood(_ reading: EnergyReading) -> Bool {
    switch reading.outcome {
    case .failed, .read(.implausible): false
    case .read: true
    }
  }

  @Test("is the sum of one counter a core, each read through one of its threads")
  func sum() throws {
    let registers = Cores(cores(4))
    var source = try source(registers, [package(0, cores(4))])
    #expect(try core(&source).counts == 0)
    _ = registers.takeCoreReads()
    registers.advance(10)
    registers.advance(500, cpu: 2)
    let reading = try core(&source)
    #expect(reading.counts == 540 && reading.losses == 0 && isGood(reading))
    // So soon after the one before, each read counts as interrupted, and is repeated.
    #expect(Set(registers.takeCoreReads()) == [0, 1, 2, 3])
    #expect(reading.unit == EnergyUnit(joulesPerCount: 1 / 65_536.0))
  }

  @Test("costs no read of any core unless domains are asked for, and no look of its own")
  func unasked() throws {
    let registers = Cores(cores(4))
    var source = try source(registers, [package(0, cores(4))])
    _ = source.read()
    _ = registers.takeCoreReads()
    let seconds = source.longestIntervalSeconds
    for _ in 0..<5 { #expect(source.read(domains: false).readings.map(\.domain) == [.package]) }
    #expect(registers.takeCoreReads().isEmpty)
    // 65,536 J at the package's bound, 440 W; a core's is 100 W.
    #expect(abs(seconds - 0.71 * 65_536 / 440) < 0.1)
    #expect(abs((source.longestCoreIntervalSeconds ?? 0) - 0.71 * 65_536 / 100) < 0.1)
  }

  @Test("is exact through each core's own wraps")
  func wraps() throws {
    let registers = Cores(cores(4), start: 0xFFFF_FF00)
    var source = try source(registers, [package(0, cores(4))])
    _ = source.read()
    registers.advance(0x200, cpu: 1)
    #expect(try core(&source).counts == 0x200)
    registers.advance(0x180, cpu: 3)
    registers.advance(0x10, cpu: 0)
    let reading = try core(&source)
    #expect(reading.counts == 0x390 && reading.losses == 0)
  }

  @Test("is each package's own")
  func packages() throws {
    let both = cores(2) + cores(2, first: 4)
    let registers = Cores(both)
    var source = try source(registers, [package(0, Array(both[..<2])), package(1, Array(both[2...]))])
    _ = source.read()
    registers.advance(7, cpu: 1)
    registers.advance(11, cpu: 4)
    let readings = source.read().readings
    #expect(readings.map(\.domain) == [.package, .package, .core, .core])
    #expect(readings.map(\.package.package) == [0, 1, 0, 1])
    #expect(readings[2...].map(\.counts) == [7, 11])
  }

  @Test("a core's other thread stands in for the one that goes offline")
  func thread() throws {
    let registers = Cores(cores(2))
    var source = try source(registers, [package(0, cores(2))])
    _ = source.read()
    registers.state.withLock { _ = $0.offline.insert(0) }
    registers.advance(100)
    let reading = try core(&source)
    #expect(reading.counts == 200 && reading.losses == 0)
  }

  struct Loss: CustomTestStringConvertible {
    let testDescription: String
    let isGone: Bool
  }

  @Test(
    "a core that cannot be read makes it a lower bound, and the windows in which it goes and comes have no watts",
    arguments: [Loss(testDescription: "offline", isGone: true), Loss(testDescription: "EIO", isGone: false)])
  func lost(_ loss: Loss) throws {
    let registers = Cores(cores(2))
    var source = try source(registers, [package(0, cores(2))])
    _ = source.read()
    registers.state.withLock { state in
      if loss.isGone { state.offline = [1, 3] } else { state.absent = [1, 3] }
    }
    registers.advance(100)
    let without = try core(&source)
    #expect(without.counts == 100 && without.losses == 1 && isGood(without))
    registers.advance(100)
    let later = try core(&source)
    #expect(later.counts == 200 && later.losses == 1 && isGood(later))
    registers.state.withLock { state in (state.offline, state.absent) = ([], []) }
    registers.advance(100)
    let back = try core(&source)
    // Its counter went on meanwhile.
    #expect(back.counts == 600 && back.losses == 2 && isGood(back))
    registers.state.withLock { $0.offline = [0, 1, 2, 3] }
    let none = try core(&source)
    #expect(none.counts == 600 && none.losses > 2 && !isGood(none))
    #expect(source.read(domains: false).readings.count == 1)
  }

  @Test("one odd value of a core is settled by the next, and nothing is lost")
  func odd() throws {
    let registers = Cores(cores(2))
    var source = try source(registers, [package(0, cores(2))])
    _ = source.read()
    registers.state.withLock { $0.counts[0] = 0 }
    let odd = try core(&source)
    #expect(!isGood(odd) && odd.losses == 0 && odd.rejections == 1)
    registers.state.withLock { $0.counts[0] = 1300 }
    let reading = try core(&source)
    #expect(isGood(reading) && reading.counts == 300 && reading.losses == 0)
  }

  @Test(
    "a core that shows nothing from the start is no part of it, which makes it a lower bound; if none shows anything it is left out"
  )
  func silent() throws {
    let registers = Cores(cores(2))
    registers.state.withLock { $0.counts[1] = 0 }
    var source = try source(registers, [package(0, cores(2))])
    _ = source.read()
    registers.advance(50, cpu: 0)
    let reading = try core(&source)
    #expect(reading.counts == 50 && reading.losses == 1 && isGood(reading))
    registers.state.withLock { $0.counts = [:] }
    var without = try self.source(registers, [package(0, cores(2))])
    #expect(without.read().readings.map(\.domain) == [.package] && without.longestCoreIntervalSeconds == nil)
  }

  @Test("cores that are offline at the start make it a lower bound; of those whose threads are off nothing is missing")
  func partial() throws {
    var missing = try source(Cores(cores(2)), [package(0, cores(2))], isPartial: true)
    #expect(try core(&missing).losses == 1)
    #expect(OfflineCPUs(cpus: [2], hasThreadsOff: false, ofMissingPackages: []).mayBeCores)
    #expect(!OfflineCPUs(cpus: [2], hasThreadsOff: true, ofMissingPackages: []).mayBeCores)
  }

  @Test("a core that comes online later counts from then on, a thread of a known one does not count again")
  func hotplugged() throws {
    let all = cores(3)
    let registers = Cores(all)
    var source = try source(registers, [package(0, Array(all[..<2]))])
    _ = source.read()
    registers.state.withLock { state in
      (state.online, state.later) = ([1], [all[2], PhysicalCore(cpus: [7], place: [0, 1])])
    }
    registers.advance(100)
    let came = try core(&source)
    #expect(came.counts == 200 && came.losses == 1)
    registers.advance(100)
    let after = try core(&source)
    #expect(after.counts == 500 && after.losses == 1 && isGood(after))
  }

  @Test("a core that has come, and cannot be opened, leaves no watts")
  func sealed() throws {
    let all = cores(3)
    let registers = Cores(all)
    var source = try source(registers, [package(0, Array(all[..<2]))])
    _ = source.read()
    registers.state.withLock { state in (state.online, state.later, state.laterError) = ([1], [all[2]], EPERM) }
    registers.advance(100)
    let reading = try core(&source)
    #expect(reading.counts == 200 && reading.losses == 1 && !isGood(reading))
    guard case .failed(let error) = reading.outcome else { throw CancellationError() }
    #expect("\(error)".contains("may no longer open its registers"))
  }

  @Test("unread for longer than a wrap, or through a sleep, it is a lower bound, and goes on from there")
  func unread() throws {
    let registers = Cores(cores(2))
    // At this power a counter goes around in 65 us.
    var meter = CoreSumMeter(
      package: package(0, cores(2)), cores: cores(2), unit: EnergyUnit(joulesPerCount: 1 / 65_536.0),
      address: coreAddress,
      registers: registers, isPartial: false, bound: PowerBound(watts: 1e9))
    var hasChanged = false
    _ = meter.read(asleepNanoseconds: 0, now: 0, hasChanged: &hasChanged)
    registers.advance(100)
    usleep(1000)
    let reading = meter.read(asleepNanoseconds: 0, now: 0, hasChanged: &hasChanged)
    #expect(reading.counts <= 200 && reading.losses == 2)

    let asleep = Mutex<Int64>(0)
    let boottime: @Sendable () -> Int64 = { Int64(DispatchTime.now().uptimeNanoseconds) + asleep.withLock { $0 } }
    var source = try source(registers, [package(0, cores(2))], boottime: boottime)
    _ = source.read()
    asleep.withLock { $0 = 3_600_000_000_000 }
    registers.advance(100)
    #expect(try core(&source).losses == 2)
    registers.advance(100)
    let after = try core(&source)
    #expect(after.losses == 2 && isGood(after))
  }

  @Test(
    "is left out, and said to be, if reading it would interrupt an isolated core; a housekeeping thread reads its core")
  func isolated() throws {
    func place(_ cpu: Int, _ core: Int, _ isIsolated: Bool) -> CPUPlace {
      CPUPlace(cpu: cpu, package: 0, die: 0, core: core, isIsolated: isIsolated)
    }
    let half = PackageCPUs.group(
      [place(0, 0, false), place(1, 1, true), place(2, 0, false), place(3, 1, false)], by: .amd)
    let registers = Cores(cores(2))
    var source = try source(registers, half)
    #expect(source.read().readings.map(\.domain) == [.package, .core])
    #expect(Set(registers.takeCoreReads()) == [0, 3])
    let whole = PackageCPUs.group(
      [place(0, 0, false), place(1, 1, true), place(2, 0, false), place(3, 1, true)], by: .amd)
    let said = Mutex<[String]>([])
    var without = try self.source(registers, whole, log: { text in said.withLock { $0.append(text) } })
    #expect(without.read().readings.map(\.domain) == [.package])
    #expect(registers.takeCoreReads().isEmpty)
    #expect(said.withLock { $0.first?.hasPrefix("CPU 1 is isolated") } == true)
  }

  @Test(
    "is left out, and said to be, if the package's counter moves in steps, from the start or later",
    arguments: [true, false])
  func steps(isLater: Bool) throws {
    let registers = Cores(cores(2))
    let period: Int64 = 150_000_000
    if !isLater { registers.step(period) }
    let said = Mutex<[String]>([])
    var source = try source(registers, [package(0, cores(2))], log: { text in said.withLock { $0.append(text) } })
    if isLater {
      for _ in 0..<60 { #expect(source.read().readings.map(\.domain) == [.package, .core]) }
      #expect(source.steps == nil)
      registers.step(period)
      // As a service that samples at points between which the counter steps: only the look now and then sees it stand.
      while source.steps == nil { _ = source.read(domains: false) }
    }
    var meter = PowerMeter()
    var watts: [Double] = []
    let end = Cores.now + 5_000_000_000
    while watts.count < 4 {
      try #require(Cores.now < end)
      let wait = max((source.steps?.nextReadNanoseconds ?? 0) - Cores.now, 1_000_000)
      usleep(UInt32(wait / 1000))
      if case .window(let window) = meter.measure(source.read(domains: true)) { watts.append(window.sample.watts) }
    }
    #expect(source.read().readings.map(\.domain) == [.package])
    #expect(said.withLock { $0.filter { $0.contains("core domain of package 0") }.count } == 1)
    #expect(said.withLock { $0.contains { $0.contains("now move only every 0.15 s") } } == isLater)
    // 1000 counts of 2^-16 J in 0.15 s; the window in which it came to step may be any.
    for each in watts.dropFirst(isLater ? 1 : 0) { #expect(abs(each / 0.1017 - 1) < 0.1, "\(watts)") }
  }

  @Test("is left out, and said to be, if nobody knows which CPUs are a core")
  func unknownCores() throws {
    let said = Mutex<[String]>([])
    var source = try source(
      Cores([PhysicalCore(cpus: [0, 1])]), [package(0, nil)], log: { text in said.withLock { $0.append(text) } })
    #expect(source.read().readings.map(\.domain) == [.package])
    let sentences = said.withLock { $0 }
    #expect(sentences.count == 1 && sentences.allSatisfy { $0.contains("package 0") && $0.contains("core domain") })
  }
}
