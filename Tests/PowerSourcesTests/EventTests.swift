import Foundation
import RAPL
import Synchronization
import Testing

@testable import PowerSources

@Suite("The kernel's energy events")
struct EventTests {
  private static func watts(_ first: EnergyReading, _ last: EnergyReading) -> Double {
    last.unit.joules(last.counts - first.counts) * 1e9
      / Double(last.monotonicNanoseconds - first.monotonicNanoseconds)
  }

  private static func change(_ reading: EnergyReading) -> CounterChange? {
    if case .read(let change) = reading.outcome { change } else { nil }
  }

  private static func error(_ reading: EnergyReading) -> String {
    if case .failed(let error) = reading.outcome { "\(error)" } else { "" }
  }

  @Test("give all counters of a package with one read, at one time, each in its own watts")
  func reading() throws {
    let (script, folder) = (EventScript(), try EventFolder())
    var source = try folder.source(script)
    #expect(source.summary.contains("1 package, from the kernel's energy events (perf)"))
    let before = script.state.withLock { $0.reads }
    let first = source.read()
    usleep(30_000)
    let last = source.read()
    #expect(script.state.withLock { $0.reads } <= before + 6, "a reading that was interrupted is repeated twice")
    #expect(last.readings.map(\.domain) == [.package, .core, .uncore, .dram])
    #expect(Set(last.readings.map(\.monotonicNanoseconds)).count == 1)
    for (index, watts) in [60.0, 20, 5, 10].enumerated() {
      #expect(abs(Self.watts(first.readings[index], last.readings[index]) - watts) < watts * 0.05)
      #expect(last.readings[index].unit.source == .perf)
    }
    let opened = try #require(script.state.withLock { $0.opened.first })
    #expect(opened.type == 21 && opened.cpu == 0 && opened.configs == [2, 1, 4, 3])
  }

  @Test("are read for the package alone, and later for the domains too, with none of them old")
  func packageAlone() throws {
    let (script, folder) = (EventScript(), try EventFolder())
    var source = try folder.source(script)
    _ = source.read()
    for _ in 0..<3 { #expect(source.read(domains: false).readings.count == 1) }
    let last = source.read()
    #expect(Set(last.readings.map(\.monotonicNanoseconds)).count == 1 && last.readings.count == 4)
  }

  @Test(
    "have an error that tells what is wrong with their description",
    arguments: [
      ("type", nil, "power/type: No such file"), ("type", "x", "power/type does not contain the number of a PMU"),
      ("type", "-1", "the number of a PMU"), ("type", "4294967296", "the number of a PMU"),
      ("events/energy-pkg", nil, "power/events has no event energy-pkg"),
      ("events/energy-pkg", "config=2", "energy-pkg does not contain event= and a number"),
      ("events/energy-pkg", "event=0x02,umask=0x1", "event= and a number"),
      ("events/energy-pkg", "event=", "event= and a number"),
      ("events/energy-ram", "event=0xFFFFFFFFFFFFFFFFF", "energy-ram does not contain event= and a number"),
      ("events/energy-pkg.unit", "Watts", "energy-pkg.unit does not contain Joules"),
      ("events/energy-pkg.unit", nil, "energy-pkg.unit: No such file"),
      ("events/energy-pkg.scale", "much", "energy-pkg.scale does not contain a plausible number of joules"),
      ("events/energy-pkg.scale", "nan", "a plausible number"),
      ("events/energy-pkg.scale", "inf", "a plausible number"),
      ("events/energy-pkg.scale", "0", "a plausible number"),
      ("events/energy-pkg.scale", "-1e-9", "a plausible number"),
      ("events/energy-pkg.scale", "1e-300", "a plausible number"),
      ("events/energy-pkg.scale", "1.5", "a plausible number"),
      ("events/energy-pkg.scale", "", "a plausible number"), ("events/energy-gpu.scale", "x", "energy-gpu.scale"),
      ("cpumask", "", "power/cpumask is empty, so no CPU counts"), ("cpumask", "\n", "cpumask is empty"),
      ("cpumask", "0-x", "cpumask does not contain a list of CPUs"), ("cpumask", "5", "has CPU 5, which is not online"),
      ("cpumask", "0,5", "has CPU 5, which is not online"), ("cpumask", nil, "cpumask: No such file"),
    ] as [(String, String?, String)])
  func description(file: String, text: String?, says: String) throws {
    let (script, folder) = (EventScript(), try EventFolder())
    try folder.write("\(EventFolder.pmu)/\(file)", text)
    let error = #expect(throws: SourceError.self) { try folder.source(script) }
    #expect(error?.reason.contains(says) == true, "\(error.map { "\($0)" } ?? "none")")
    #expect(script.state.withLock(\.opened).isEmpty)
  }

  @Test("are missing with one sentence, and with what to do")
  func absent() throws {
    let folder = try EventFolder()
    try folder.write(EventFolder.pmu, nil)
    let error = #expect(throws: SourceError.self) { try folder.source(EventScript()) }
    #expect("\(error, default: "")".contains("there is no") && "\(error, default: "")".contains("sudo modprobe rapl"))
  }

  @Test("of each package are counted by a CPU of it")
  func packages() throws {
    let script = EventScript()
    let folder = try EventFolder(cpumask: "0,3\n", packages: [0, 0, 1, 1], events: ["pkg": "2"])
    var source = try folder.source(script)
    #expect(script.state.withLock { $0.opened.map(\.cpu) } == [0, 3])
    #expect(source.read().readings.map(\.package.package) == [0, 1])
    try folder.write("\(EventFolder.pmu)/cpumask", "0\n")
    let missing = #expect(throws: SourceError.self) { try folder.source(EventScript()) }
    #expect(missing?.reason.contains("has no CPU of package 1") == true)
  }

  @Test(
    "are a die's on Intel, a package's on AMD and with TPMI",
    arguments: [
      ("GenuineIntel", "0-1", false, ["package 0 die 0", "package 0 die 1"]),
      ("AuthenticAMD", "0-1", false, ["package 0"]),
      ("AuthenticAMD", "1", false, ["package 0"]), ("GenuineIntel", "1", true, ["package 0"]),
    ] as [(String, String, Bool, [String])])
  func dies(vendor: String, cpumask: String, isByTPMI: Bool, names: [String]) throws {
    let folder = try EventFolder(vendor: vendor, cpumask: cpumask, packages: [0, 0], dies: [0, 1])
    let tree = MachineTree(root: folder.root)
    let map = try #require(RegisterMap(vendor: try tree.identity().vendor))
    let pmu = try PowerPMU(root: folder.root, files: tree.files)
    let packages = try pmu.packages(try tree.places(), map: map, countsWholePackages: isByTPMI)
    #expect(packages.map { "\($0.package.id)" } == names)
  }

  @Test("of one die only are refused")
  func oneDie() throws {
    let folder = try EventFolder(cpumask: "1", packages: [0, 0], dies: [0, 1])
    let error = #expect(throws: SourceError.self) { try folder.source(EventScript()) }
    #expect(error?.reason.contains("has no CPU of package 0 die 0") == true)
  }

  @Test(
    "that cannot be opened are said by name: the package's is an error, a domain's is left out",
    arguments: [
      (EACCES, "CAP_PERFMON and a kernel.perf_event_paranoid of at most 2"), (EPERM, "system-call filter"),
      (EMFILE, "open files"), (ENODEV, "offline"),
      (EINVAL, "Invalid argument"), (ENOENT, "No such file"),
    ] as [(Int32, String)])
  func opening(errno: Int32, says: String) throws {
    let (script, folder, log) = (EventScript(), try EventFolder(), Sentences())
    script.state.withLock { $0.openErrors[2] = errno }
    let error = #expect(throws: SourceError.self) { try folder.source(script) }
    let text = "\(error, default: "")"
    #expect(text.contains("Cannot open the event power/energy-pkg/ on CPU 0: ") && text.contains(says), "\(text)")
    #expect(text.contains("perf.conf") == [EACCES, EPERM].contains(errno), "\(text)")
    script.state.withLock { $0.openErrors = [1: errno, 3: errno] }
    var source = try folder.source(script, log: log.take)
    #expect(source.read().readings.map(\.domain) == [.package, .uncore])
    for name in ["energy-cores", "energy-ram"] { #expect(log.text.contains("power/\(name)/ on CPU 0")) }
    #expect(log.text.contains(says), "\(log.text)")
  }

  @Test("that did not count for a while are a lower bound from then on, and each of them says so once")
  func pause() throws {
    let (script, folder) = (EventScript(), try EventFolder())
    var source = try folder.source(script)
    _ = source.read()
    usleep(50_000)
    script.state.withLock { $0.paused += 40_000_000 }
    let paused = source.read().readings
    for reading in paused {
      #expect(Self.error(reading).contains("did not count for ") && Self.error(reading).contains("time_running"))
      #expect(reading.losses == 1)
    }
    let (next, last) = (source.read().readings, source.read().readings)
    for reading in next + last { #expect(Self.change(reading) != nil && reading.losses == 1) }
  }

  @Test("that paused while only the package was read say so when the domains are read")
  func pausedDomains() throws {
    let (script, folder) = (EventScript(), try EventFolder())
    var source = try folder.source(script)
    _ = source.read()
    usleep(50_000)
    script.state.withLock { $0.paused += 40_000_000 }
    #expect(source.read(domains: false).readings.map(\.losses) == [1])
    #expect(source.read(domains: false).readings.map { Self.change($0) != nil } == [true])
    #expect(source.read().readings.map(\.losses) == [1, 1, 1, 1])
    #expect(source.read().readings.allSatisfy { Self.change($0) != nil })
  }

  @Test("whose clock differs a little from the machine's lose nothing")
  func clocks() throws {
    let (script, folder) = (EventScript(), try EventFolder())
    var source = try folder.source(script)
    _ = source.read()
    for _ in 0..<5 {
      usleep(20_000)
      script.state.withLock { $0.paused += 1_000_000 }
      #expect(source.read().readings.allSatisfy { $0.losses == 0 && Self.change($0) != nil })
    }
  }

  @Test("that have stopped never show old energy, and have to be opened again once the kernel counts again")
  func stop() throws {
    let (script, folder) = (EventScript(), try EventFolder())
    var source = try folder.source(script)
    _ = source.read()
    let watch = try #require(CounterWatch(source, root: folder.root))
    script.state.withLock { $0.stop = EventScript.now }
    try folder.write("\(EventFolder.pmu)/cpumask", "\n")
    usleep(5000)
    #expect(source.read().readings.allSatisfy { $0.losses == 1 })
    for _ in 0..<3 {
      usleep(5000)
      for reading in source.read().readings { #expect(Self.error(reading).contains("are not counting")) }
    }
    #expect(watch.change() == nil, "no CPU counts")
    try folder.write("\(EventFolder.pmu)/cpumask", "1\n")
    #expect(watch.change() == .stoppedEvents(PackageID(package: 0)))
  }

  @Test("that have stopped are found however often they are read, and have no energy from then on")
  func stopAmongManyReadings() throws {
    let (script, folder) = (EventScript(), try EventFolder())
    var source = try folder.source(script)
    _ = source.read()
    let watch = try #require(CounterWatch(source, root: folder.root))
    script.state.withLock { $0.stop = EventScript.now }
    var said: [Bool] = []
    for _ in 0..<40 {
      usleep(200)
      said.append(Self.error(source.read().readings[0]).contains("are not counting"))
    }
    let first = try #require(said.firstIndex(of: true))
    #expect(said[first...].allSatisfy { $0 }, "\(said)")
    #expect(watch.change() == .stoppedEvents(PackageID(package: 0)))
  }

  @Test("that paused are a lower bound also if they were read for something else in between")
  func pauseBeforeComparison() throws {
    let (script, folder) = (EventScript(), try EventFolder())
    var source = try folder.source(script)
    let watch = try #require(CounterWatch(source, root: folder.root))
    _ = source.read()
    usleep(50_000)
    script.state.withLock { $0.paused += 40_000_000 }
    // It then compares the counters of all packages.
    try folder.write("sys/devices/system/cpu/online", "0\n")
    #expect(watch.change() == nil)
    #expect(source.read().readings.map(\.losses) == [1, 1, 1, 1])
    #expect(source.read().readings.allSatisfy { Self.change($0) != nil })
  }

  @Test("that the kernel has taken apart are not read for one another")
  func apart() throws {
    let (script, folder) = (EventScript(), try EventFolder())
    var source = try folder.source(script)
    _ = source.read()
    script.state.withLock { $0.lostEvents = 3 }
    for reading in source.read().readings { #expect(Self.error(reading).contains("are not counting")) }
    script.state.withLock { ($0.lostEvents, $0.readError) = (0, ENODEV) }
    #expect(
      Self.error(source.read().readings[0]).contains("Cannot read the energy events of package 0: No such device"))
  }

  @Test("that go back are not counted as energy")
  func back() throws {
    let (script, folder) = (EventScript(), try EventFolder())
    script.state.withLock { $0.offset = 1 << 40 }
    var source = try folder.source(script)
    let first = source.read()
    usleep(20_000)
    script.state.withLock { $0.offset = (1 << 40) - (1 << 38) }
    #expect(source.read().readings.allSatisfy { Self.change($0) == .implausible })
    usleep(60_000)
    let last = source.read()
    for (before, after) in zip(first.readings, last.readings) {
      #expect(after.losses > 0 && after.unit.joules(after.counts - before.counts) < 60)
    }
  }

  @Test("are read as often as a register of their energy, so that its reset does not look like energy")
  func resets() throws {
    let source = try EventFolder().source(EventScript())
    #expect(
      source.longestIntervalSeconds > 20 && source.longestIntervalSeconds < 600, "\(source.longestIntervalSeconds) s")
  }

  @Test("count on through the end of 64 bits")
  func wrap() throws {
    let (script, folder) = (EventScript(), try EventFolder())
    // Two seconds before the end.
    script.state.withLock { $0.offset = 0 &- (120 << 32) }
    var source = try folder.source(script, domains: [])
    let first = source.read()
    var seen: [CounterChange] = []
    func isWrapped() -> Bool { seen.contains { if case .wrapped = $0 { true } else { false } } }
    while !isWrapped(), seen.count < 200 {
      usleep(20_000)
      if let change = Self.change(source.read().readings[0]) { seen.append(change) }
    }
    usleep(20_000)
    let last = source.read()
    #expect(isWrapped(), "\(seen)")
    #expect(abs(Self.watts(first.readings[0], last.readings[0]) - 60) < 2 && last.readings[0].losses == 0)
  }

  @Test(
    "of any scale count in units that last for years",
    arguments: [1e-12, 1.0 / Double(UInt64(1) << 32), 1e-9, 1e-6, 1.0 / 65_536, 1])
  func scales(joules: Double) {
    let counter = EventCounter(
      PackageEvents(PackageID(package: 0), NoEvents(), count: 1) { true }, index: 0, joulesPerCount: joules)
    #expect(counter.unit.joulesPerCount >= joules && counter.unit.joulesPerCount <= max(joules, 1.0 / Double(1 << 24)))
    #expect(Double(UInt64.max) * counter.unit.joulesPerCount > 1000 * 86_400 * 365 * 10 || joules == 1e-12)
    #expect(abs(Double(counter.range) * counter.unit.joulesPerCount / (joules * 0x1p64) - 1) < 1e-9)
  }

  @Test("are the kernel's own: a group of software events is opened and read")
  func kernel() throws {
    // PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK: nanoseconds.
    let (group, errors) = KernelEvents().open(type: 1, configs: [0, 0, 999, 0], cpu: 0)
    guard let group else {
      withKnownIssue("software events are not allowed here: \(errors)") { #expect(errors.first == EACCES) }
      return
    }
    #expect(errors.map { $0 == 0 } == [true, true, false, true])
    var (first, last) = (EventReading(), EventReading())
    #expect(group.read(into: &first) == 0)
    usleep(20_000)
    #expect(group.read(into: &last) == 0)
    #expect(last.count == 3 && last.running - first.running >= 20_000_000)
    for index in 0..<3 { #expect(last[index] - first[index] >= 19_000_000) }
    let none = KernelEvents().open(type: 1, configs: [999, 0], cpu: 0)
    #expect(none.group == nil && none.errors.count == 1)
    #expect(KernelEvents().open(type: 1, configs: [0], cpu: 1 << 20).errors == [EINVAL])
  }
}
