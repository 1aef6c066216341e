import Foundation
import RAPL
import Synchronization
import Testing

@testable import PowerSources

/// An Intel CPU whose registers a test moves, one time unit after the other.
private final class Bench: RegisterFile {
  struct State {
    var counts: [UInt32: UInt64] = [:]
    var gone: Set<UInt32> = []
    /// How far all counters go on with each read.
    var creep: UInt64 = 1
    var offline: Set<Int> = []
    var later: [Int] = []
    var laterError: Int32 = 0
    var looks = 0
    var units: UInt64 = 0xA0E03
    /// What the kernel says of the CPUs that are online, as far as a test minds.
    var online: [UInt8] = [0]
    var onRead: @Sendable (UInt32) -> Void = { _ in }
  }

  let state = Mutex(State())
  let isLate: Bool

  init(isLate: Bool = false) { self.isLate = isLate }

  func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
    let state = self.state.withLock { state in
      state.counts[address, default: 1_000_000] += state.creep
      return state
    }
    state.onRead(address)
    if state.offline.contains(cpu) { throw .offline(cpu: cpu) }
    if state.gone.contains(address) { throw .absent(address: address, cpu: cpu) }
    return address == 0x606 ? state.units : state.counts[address] ?? 0
  }

  func onlineCPUs() -> [UInt8]? { state.withLock { $0.online } }

  func hotplugged(of package: PackageID, besides known: [Int]) throws(RegisterError) -> HotpluggedCPUs? {
    let state = self.state.withLock { state in
      state.looks += 1
      return state
    }
    let cpus = state.later.filter { !known.contains($0) }
    guard let first = cpus.first else { return nil }
    if state.laterError != 0 { throw .notOpened(cpu: first, errno: state.laterError) }
    return HotpluggedCPUs(registers: self, cpus: cpus)
  }
}

private let desktop = CPUIdentity(vendor: .intel, family: 6, model: 0x9E)
private let one = [PackageCPUs(id: PackageID(package: 0), cpus: [0, 1], cores: 2)]

@Suite("What becomes of a source's counters")
struct CounterSourceTests {
  private func source(
    _ bench: Bench, domains: Set<PowerDomain> = [.core, .dram, .psys], log: @escaping SourceLog = { _ in },
    boottime: (@Sendable () -> Int64)? = nil
  ) throws -> CounterSource {
    let clock = boottime ?? { Int64(DispatchTime.now().uptimeNanoseconds) }
    return try CounterSource(
      registers: bench, packages: one, identity: desktop, map: .intel, domains: domains, log: log,
      boottime: clock)
  }

  @Test("a domain that can no longer be read does not stop the time of the sample")
  func lostDomain() throws {
    let bench = Bench()
    var source = try source(bench)
    let whole = source.read()
    #expect(whole.readings.map(\.domain) == [.package, .core, .dram, .psys])
    bench.state.withLock { $0.gone = [0x64D, 0x639] }
    var last = whole.unixNanoseconds
    for _ in 0..<3 {
      usleep(2000)
      let snapshot = source.read()
      #expect(snapshot.unixNanoseconds - last > 1_900_000)
      last = snapshot.unixNanoseconds
      let failed = snapshot.readings.filter { if case .failed = $0.outcome { true } else { false } }
      #expect(failed.map(\.domain) == [.core, .psys])
    }
  }

  @Test("a domain that faults is asked for through one CPU, not through all of its package")
  func oneInterrupt() throws {
    let bench = Bench()
    var source = try source(bench)
    let reads = Mutex(0)
    bench.state.withLock {
      $0.gone = [0x64D]
      $0.onRead = { address in if address == 0x64D { reads.withLock { $0 += 1 } } }
    }
    _ = source.read()
    #expect(reads.withLock { $0 } == 1)
  }

  @Test("a suspend between the clock's reading and a register's spoils no window")
  func suspendBetween() throws {
    let bench = Bench()
    let asleep = Mutex<Int64>(0)
    var source = try source(
      bench, boottime: { Int64(DispatchTime.now().uptimeNanoseconds) + asleep.withLock { $0 } })
    var meter = PowerMeter()
    _ = meter.measure(source.read())
    usleep(2000)
    // 40 kJ are drawn while it sleeps, just before the package's register is read.
    let isAwake = Mutex(true)
    bench.state.withLock { state in
      state.onRead = { address in
        guard address == 0x611 else { return }
        isAwake.withLock { isAwake in
          if isAwake { asleep.withLock { $0 += 3_600_000_000_000 } }
          isAwake = false
        }
      }
    }
    guard case .none(.suspended) = meter.measure(source.read()) else {
      Issue.record("the window that the suspend is in was measured")
      return
    }
    usleep(2000)
    guard case .window(let window) = meter.measure(source.read()) else {
      Issue.record("no window after the suspend")
      return
    }
    #expect(window.sample.windowNanoseconds < 1_000_000_000)
  }

  @Test("a psys counter that does not move is left out, and that is said")
  func stuckPlatform() throws {
    let bench = Bench()
    bench.state.withLock { $0.counts[0x64D] = 123_456 }
    let frozen = Frozen(bench: bench, address: 0x64D, value: 123_456)
    let said = Mutex<[String]>([])
    var source = try CounterSource(
      registers: frozen, packages: one, identity: desktop, map: .intel, domains: [.dram, .psys],
      log: { text in said.withLock { $0.append(text) } })
    #expect(source.read().readings.map(\.domain) == [.package, .dram])
    #expect(said.withLock { $0 }.contains { $0.contains("psys") && $0.contains("does not move") })
  }

  @Test(
    "a psys counter that stops later is left out once the package has drawn, and an idle DRAM stays",
    arguments: [0x64D, 0x619] as [UInt32])
  func platformThatStops(address: UInt32) throws {
    let bench = Bench()
    let frozen = Stopping(bench: bench, address: address)
    let said = Mutex<[String]>([])
    var source = try CounterSource(
      registers: frozen, packages: one, identity: desktop, map: .intel, domains: [.dram, .psys],
      log: { text in said.withLock { $0.append(text) } })
    #expect(source.read().readings.map(\.domain) == [.package, .dram, .psys])
    frozen.isStopped.withLock { $0 = true }
    let end = Date.now.addingTimeInterval(5.6)
    while Date.now < end {
      usleep(200_000)
      _ = source.read()
    }
    let last = source.read().readings
    #expect(last.map(\.domain) == (address == 0x64D ? [.package, .dram] : [.package, .dram, .psys]))
    #expect(said.withLock { $0 }.count == (address == 0x64D ? 1 : 0), "\(said.withLock { $0 })")
  }

  private final class Stopping: RegisterFile {
    let bench: Bench
    let address: UInt32
    let isStopped = Mutex(false)
    let last = Mutex<UInt64>(0)

    init(bench: Bench, address: UInt32) {
      self.bench = bench
      self.address = address
    }

    func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
      if address == self.address, isStopped.withLock({ $0 }) { return last.withLock { $0 } }
      let value = try bench.read(address, cpu: cpu)
      if address == self.address { last.withLock { $0 = value } }
      return value
    }
  }

  private final class Frozen: RegisterFile {
    let bench: Bench
    let address: UInt32
    let value: UInt64

    init(bench: Bench, address: UInt32, value: UInt64) {
      self.bench = bench
      self.address = address
      self.value = value
    }

    func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
      address == self.address ? value : try bench.read(address, cpu: cpu)
    }
  }

  @Test(
    "power above the bound is looked at again soon, believed in the end, and said; the counters are read more often then"
  )
  func raisedBound() throws {
    let bench = Bench()
    let said = Mutex<[String]>([])
    // Two cores: 320 W. The test's own second is one of 60 ms.
    var source = try source(bench, domains: [], log: { text in said.withLock { $0.append(text) } })
    _ = source.read()
    let calm = source.longestIntervalSeconds
    bench.state.withLock { $0.creep = 0 }
    let start = DispatchTime.now().uptimeNanoseconds
    var total: UInt64 = 0
    var last = start
    var doubts = 0
    for _ in 0..<12 {
      usleep(60_000)
      let now = DispatchTime.now().uptimeNanoseconds
      // 1,150 W.
      let counts = UInt64(Double(now - last) * 1150 * 16_384 / 1e9)
      last = now
      bench.state.withLock { $0.counts[0x611, default: 0] += counts }
      total = source.read().readings[0].counts
      if source.longestIntervalSeconds == 0.25 { doubts += 1 }
    }
    let watts = Double(total) / 16_384 * 1e9 / Double(last - start)
    #expect(abs(watts - 1150) < 30, "\(watts) W")
    #expect(doubts >= 2 && source.longestIntervalSeconds > 1 && source.longestIntervalSeconds < calm / 2)
    #expect(said.withLock { $0 }.count == 1 && said.withLock { $0 }[0].contains("package 0"))
  }

  @Test("once all of a package's CPUs are offline, those that came after the start are opened")
  func hotplugged() throws {
    let bench = Bench()
    var source = try source(bench)
    _ = source.read()
    bench.state.withLock {
      $0.offline = [0, 1]
      $0.later = [4, 5]
      $0.online = [4, 5]
    }
    guard case .read = source.read().readings[0].outcome else {
      Issue.record("the hotplugged CPUs were not read")
      return
    }
    bench.state.withLock { $0.offline = [4, 1, 0] }
    guard case .read = source.read().readings[0].outcome else {
      Issue.record("the second hotplugged CPU does not stand in for the first")
      return
    }
  }

  @Test("CPUs that may not be opened any more are said, and not asked for at every reading")
  func sealedNewcomers() throws {
    let bench = Bench()
    var source = try source(bench)
    bench.state.withLock {
      $0.offline = [0, 1]
      $0.later = [4]
      $0.laterError = EPERM
    }
    for _ in 0..<20 {
      guard case .failed(let error) = source.read(domains: false).readings[0].outcome else {
        Issue.record("it was read")
        return
      }
      #expect("\(error)".contains("CPU 4 came online after the start") && "\(error)".contains("--seal"), "\(error)")
    }
    #expect(bench.state.withLock { $0.looks } <= 2)
  }

  @Test("the topology is looked at once after a change of the CPUs that are online, for all of a package's registers")
  func fewLooks() throws {
    let bench = Bench()
    var source = try source(bench)
    bench.state.withLock { $0.offline = [0, 1] }
    // Longer than the tries are apart that a CPU gets which cannot be opened.
    for _ in 0..<3 {
      _ = source.read()
      usleep(400_000)
    }
    _ = source.read()
    #expect(bench.state.withLock { $0.looks } == 1)
    bench.state.withLock {
      $0.online = [4]
      $0.later = [4]
    }
    for _ in 0..<3 {
      let readings = source.read().readings
      #expect(readings.count == 4)
      #expect(readings.allSatisfy { if case .read = $0.outcome { true } else { false } })
    }
    #expect(bench.state.withLock { $0.looks } == 2)
  }

  @Test("a domain that is in doubt is looked at again soon, though the packages were read meanwhile")
  func doubtfulDomain() throws {
    let bench = Bench()
    var source = try source(bench, domains: [.dram])
    _ = source.read()
    let calm = source.longestIntervalSeconds
    bench.state.withLock { $0.counts[0x619, default: 0] += 1 << 31 }
    _ = source.read()
    #expect(source.longestIntervalSeconds == 0.25)
    _ = source.read(domains: false)
    #expect(source.longestIntervalSeconds == 0.25)
    // The next one settles it.
    usleep(60_000)
    _ = source.read()
    #expect(source.longestIntervalSeconds == calm)
    // One that can no longer be read is settled by no further look.
    bench.state.withLock { $0.counts[0x619, default: 0] -= 1 << 30 }
    _ = source.read()
    #expect(source.longestIntervalSeconds == 0.25)
    bench.state.withLock { $0.gone = [0x619] }
    _ = source.read()
    #expect(source.longestIntervalSeconds == calm)
  }

  @Test("a bound that is raised long after the first doubt is said, and the looks follow it")
  func lateBound() throws {
    let bench = Bench()
    let said = Mutex<[String]>([])
    var source = try source(bench, domains: [], log: { text in said.withLock { $0.append(text) } })
    _ = source.read()
    let calm = source.longestIntervalSeconds
    bench.state.withLock { $0.creep = 0 }
    // Junk that is worth no early look any more.
    for index in 0..<12 {
      usleep(60_000)
      bench.state.withLock { $0.counts[0x611] = index.isMultiple(of: 2) ? 0x5000_0000 : 0xD000_0000 }
      _ = source.read()
    }
    #expect(source.longestIntervalSeconds == calm)
    var last = DispatchTime.now().uptimeNanoseconds
    for _ in 0..<6 {
      usleep(60_000)
      let now = DispatchTime.now().uptimeNanoseconds
      let counts = UInt64(Double(now - last) * 1150 * 16_384 / 1e9)
      last = now
      bench.state.withLock { $0.counts[0x611, default: 0] += counts }
      _ = source.read()
    }
    #expect(said.withLock { $0 }.count == 1, "\(said.withLock { $0 })")
    #expect(source.longestIntervalSeconds < calm / 2)
  }

  @Test(
    "a unit above a joule is none", arguments: [(0xA0003, 0x9E, true), (0xA1303, 0x37, true), (0xA1403, 0x37, false)])
  func coarseUnits(register: UInt64, model: Int, isBelieved: Bool) {
    let unit = UnitRegister(register)?.energyUnit(
      of: .package, on: CPUModel(CPUIdentity(vendor: .intel, family: 6, model: model)))
    let error = unit.flatMap { SourceError.implausible($0, by: 0x606) }
    #expect((error == nil) == isBelieved)
    #expect(isBelieved || error.map { "\($0)".contains("more than on any CPU") } == true)
  }

  @Test(
    "a unit is refused for what it is, not for how many cores there are",
    arguments: [
      (0xA1403, 1, true), (0xA1403, 95, true), (0xA1403, 200, true), (0xA1503, 1, false), (0xA1F03, 64, false),
    ]
      as [(UInt64, Int, Bool)])
  func units(register: UInt64, cores: Int, isBelieved: Bool) throws {
    let bench = Bench()
    bench.state.withLock { $0.units = register }
    let packages = [PackageCPUs(id: PackageID(package: 0), cpus: [0, 1], cores: cores)]
    let error = Result {
      try CounterSource(registers: bench, packages: packages, identity: desktop, map: .intel, boottime: { 0 })
    }
    switch error {
    case .success: #expect(isBelieved)
    case .failure(let error): #expect(!isBelieved && "\(error)".contains("less than on any CPU"), "\(error)")
    }
  }
}
