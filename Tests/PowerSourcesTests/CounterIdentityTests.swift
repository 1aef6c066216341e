import RAPL
import Synchronization
import Testing

@testable import PowerSources

/// Counters that live in simulated time, which each read takes some of.
private final class Bench {
  struct Counter {
    var start: UInt64
    /// What an update adds, on average.
    var counts: Double
    var period: Double = 1_000_000
    var phase: Double = 0
    /// How much an update may differ from the average.
    var spread = 0.1
    var noise: UInt64 = 1
    /// By how much more it counts in every second thirty updates.
    var surge = 1.0

    /// What it shows at a time, in nanoseconds: its own updates, each of them a little different.
    func value(_ time: Double, range: UInt64) -> UInt64 {
      let update = max(0, ((time + phase) / period).rounded(.down))
      let off = counts * spread * (PowerSources.noise(UInt64(update), noise) - 0.5)
      let blocks = (update / 60).rounded(.down)
      let surges = 30 * blocks + max(0, update - 60 * blocks - 30)
      return (start &+ UInt64(max(0, (update + (surge - 1) * surges) * counts + off))) % range
    }
  }

  /// A name that shows a counter as it was: at its latest copy, and some time before that.
  struct Copy {
    var period = 0.0
    var phase = 0.0
    var delay = 0.0

    func time(_ time: Double) -> Double {
      (period == 0 ? time : ((time - phase) / period).rounded(.down) * period + phase) - delay
    }
  }

  var time = 0.0
  var range: UInt64
  var counters: [Counter]
  /// Which counter each name leads to.
  let names: [Int]
  /// How each name shows its counter; as it is, if nothing is said.
  var copies: [Int: Copy] = [:]
  var steps: [Int: (before: UInt64, behind: UInt64)] = [:]
  var readNanoseconds: ClosedRange<Double>
  var reads = 0
  var fault: (_ name: Int, _ reads: Int, _ value: UInt64) -> UInt64? = { _, _, value in value }
  private var random: Seeded

  init(
    _ counters: [Counter], names: [Int], range: UInt64 = 1 << 32, readNanoseconds: ClosedRange<Double> = 1000...20_000,
    seed: Int = 0
  ) {
    self.counters = counters
    self.names = names
    self.range = range
    self.readNanoseconds = readNanoseconds
    random = Seeded(state: UInt64(seed) << 32)
  }

  /// - Parameters:
  ///   - begin: when it begins.
  ///   - seconds: how long it may take.
  func firsts(after begin: Double = 0, within seconds: Double = 5) -> Result<[Int], CounterIdentity.Unsettled> {
    Result { () throws(CounterIdentity.Unsettled) in
      try CounterIdentity.firsts(
        names.indices.map { CounterIdentity.Counter(range: range, step: steps[$0]) },
        read: { name in
          reads += 1
          time += Double.random(in: readNanoseconds, using: &random)
          let shown = copies[name]?.time(time) ?? time
          let value = counters[names[name]].value(shown, range: range)
          time += Double.random(in: readNanoseconds, using: &random)
          return fault(name, reads, value)
        },
        pause: { wait in
          time += Double(wait)
          return time < begin + seconds * 1e9
        }, now: { Int64(time) })
    }
  }
}

@Suite("Which names lead to one counter")
struct CounterIdentityTests {
  private typealias Counter = Bench.Counter

  @Test(
    "each counter is found once, whatever names it has",
    arguments: [
      [0, 0], [0, 1], [0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 0, 1, 1, 1, 1], [0, 1, 1, 2, 0],
      Array(repeating: 0, count: 64),
    ])
  func names(names: [Int]) {
    for watts in [0.5, 5, 80, 500] {
      let counters = (0...(names.max() ?? 0)).map { index in
        Counter(
          start: 7_000_000 + UInt64(index) * 900_000, counts: watts * 16.384, phase: Double(index) * 300_000,
          noise: UInt64(index) + 1)
      }
      let bench = Bench(counters, names: names)
      let expected = names.map { names.firstIndex(of: $0) ?? 0 }
      #expect(bench.firsts() == .success(expected), "\(watts) W")
    }
  }

  @Test("different counters are told apart by three reads of each")
  func cheap() {
    let bench = Bench(
      [Counter(start: 1000, counts: 100), Counter(start: 90_000_000, counts: 100)], names: [0, 1])
    #expect(bench.firsts() == .success([0, 1]))
    #expect(bench.reads == 6)
  }

  @Test(
    "two that show nearly the same, or cross each other, are never taken for one",
    arguments: [0, 1, 3, 20, 100, 400, 2000] as [UInt64], [1, 1.002, 1.02, 0.9])
  func near(distance: UInt64, ratio: Double) {
    var random = Seeded(state: distance << 40)
    for trial in 0..<60 {
      let counts = Double.random(in: 20...2000, using: &random)
      let counters = [
        Counter(start: 5_000_000, counts: counts, noise: 1),
        Counter(
          start: 5_000_000 + distance, counts: counts * ratio, phase: Double.random(in: 0...1_000_000, using: &random),
          noise: UInt64(trial) + 2),
      ]
      for reading in [1000...3000, 5000...60_000, 100_000...400_000] as [ClosedRange<Double>] {
        for names in [[0, 1], [1, 0]] {
          let result = Bench(counters, names: names, readNanoseconds: reading, seed: trial).firsts(within: 0.3)
          #expect(result != .success([0, 0]), "\(counts) counts, \(reading)")
        }
      }
    }
  }

  @Test(
    "copies of one counter that follow later are never taken for two, whatever it draws",
    arguments: [
      (Bench.Copy(), Bench.Copy(delay: 50_000)), (Bench.Copy(delay: 1_000_000), Bench.Copy()),
      (Bench.Copy(), Bench.Copy(delay: 12_000_000)),
      (Bench.Copy(period: 1_000_000), Bench.Copy(period: 1_000_000, phase: 400_000)),
      (Bench.Copy(period: 1_000_000), Bench.Copy(period: 1_003_000, phase: 400_000, delay: 200_000)),
      (Bench.Copy(), Bench.Copy(period: 10_000_000, delay: 1_000_000)),
      (Bench.Copy(period: 16_000_000), Bench.Copy(period: 19_000_000)),
      (Bench.Copy(period: 250_000_000), Bench.Copy(period: 250_000_000, phase: 90_000_000)),
      (Bench.Copy(period: 1_020_000_000), Bench.Copy(period: 1_020_000_000, phase: 500_000_000)),
      (Bench.Copy(period: 1_020_000_000, phase: 1_000_000_000), Bench.Copy(period: 1_020_000_000)),
    ])
  fileprivate func lagging(one: Bench.Copy, other: Bench.Copy) {
    for trial in 0..<6 {
      for (counts, surge) in [(8, 1), (1638, 1), (80, 12), (1638, 0.02)] as [(Double, Double)] {
        let counter = Counter(start: 5_000_000, counts: counts, period: 1_000_000, surge: surge)
        let bench = Bench([counter], names: [0, 0], seed: trial)
        bench.copies = [0: one, 1: other]
        bench.time = 3e9 + Double(trial) * 211_000_000
        #expect(bench.firsts(after: bench.time) != .success([0, 1]), "\(counts) counts, \(surge) times as many")
      }
    }
  }

  @Test("two that step are told apart at once by what a step is, unless a copy may be a step behind")
  func stepping() {
    let slow = Counter(start: 5_000_000, counts: 200_000, period: 1_020_000_000, spread: 0)
    let cases =
      [(900_000, [0, 1], true), (700_000, [0, 1], false), (150_000, nil, false)] as [(UInt64, [Int]?, Bool)]
    for (distance, expected, isQuick) in cases {
      var other = slow
      other.start += distance
      let bench = Bench([slow, other], names: [0, 1])
      bench.steps = [0: (4_600_000, 4_800_000), 1: (4_600_000 + distance, 4_800_000 + distance)]
      let found = bench.firsts()
      #expect(found == expected.map { .success($0) } ?? .failure(CounterIdentity.Unsettled(one: 0, other: 1)))
      #expect((bench.reads == 6) == isQuick)
    }
  }

  @Test(
    "two that begin alike are told apart once they have drifted, or else nobody can tell",
    arguments: [(1.01, true), (0.97, true), (1.3, true), (1.0, false)])
  func drift(ratio: Double, isSettled: Bool) {
    for distance in [0, 500, 3000] as [UInt64] {
      let counters = [
        Counter(start: 5_000_000, counts: 800), Counter(start: 5_000_000 + distance, counts: 800 * ratio, noise: 2),
      ]
      let expected: Result<[Int], CounterIdentity.Unsettled> =
        isSettled ? .success([0, 1]) : .failure(CounterIdentity.Unsettled(one: 0, other: 1))
      let bench = Bench(counters, names: [0, 1])
      #expect(bench.firsts() == expected, "\(distance)")
      #expect(!isSettled || bench.time < 4e9)
    }
  }

  @Test("one counter is found through wraps, zeros, errors and slow reads", arguments: [5.0, 163.84, 30_000])
  func faults(counts: Double) {
    var random = Seeded(state: 7)
    for trial in 0..<40 {
      let start = (UInt64(1) << 32) - UInt64(counts * Double.random(in: 0...10, using: &random))
      let bench = Bench([Counter(start: start, counts: counts)], names: [0, 0], seed: trial)
      let bad = Int.random(in: 1...30, using: &random)
      bench.fault = { _, reads, value in
        switch (trial % 4, reads) {
        case (1, bad), (1, bad + 7): 0
        case (2, bad..<bad + 4): nil
        case (3, bad): 0x1234_5678
        default: value
        }
      }
      if trial % 5 == 0 { bench.readNanoseconds = 50_000...300_000 }
      #expect(bench.firsts() == .success([0, 0]), "trial \(trial)")
    }
  }

  @Test("one counter that is made anew for each reading is found too")
  func continuous() {
    let bench = Bench([Counter(start: 5_000_000, counts: 1, period: 5000, spread: 0)], names: [0, 0])
    #expect(bench.firsts() == .success([0, 0]))
  }

  @Test("a powercap zone wraps elsewhere")
  func microjoules() {
    for start in [262_143_328_000, 262_143_300_000, 1_000_000] as [UInt64] {
      let bench = Bench([Counter(start: start, counts: 42_500)], names: [0, 0, 0], range: 262_143_328_911)
      #expect(bench.firsts() == .success([0, 0, 0]))
    }
  }

  @Test("without motion nobody can tell, unless they are far apart")
  func standing() {
    let still = Counter(start: 123_456, counts: 0, spread: 0)
    #expect(
      Bench([still, still], names: [0, 1]).firsts() == .failure(CounterIdentity.Unsettled(one: 0, other: 1)))
    var other = still
    other.start += 1
    // It may be a copy that follows once it moves.
    #expect(Bench([still, other], names: [0, 1]).firsts() == .failure(CounterIdentity.Unsettled(one: 0, other: 1)))
    other.start += (1 << 32) / 64
    #expect(Bench([still, other], names: [0, 1]).firsts() == .success([0, 1]))
    // As a virtual machine's, which steps once a second: too seldom to prove anything.
    let slow = Counter(start: 123_456, counts: 200_000, period: 1_020_000_000, spread: 0)
    #expect(
      Bench([slow, slow], names: [0, 1]).firsts() == .failure(CounterIdentity.Unsettled(one: 0, other: 1)))
  }

  @Test("a counter is never alone in doubt, and none is nothing to ask")
  func few() {
    #expect(Bench([], names: []).firsts() == .success([]))
    let alone = Bench([Counter(start: 1, counts: 0)], names: [0])
    #expect(alone.firsts() == .success([0]))
    #expect(alone.reads == 0)
  }
}

/// A machine whose packages lead to counters as a test says.
private final class Mapped: RegisterFile {
  /// Which counter a CPU shows.
  private let counters: [Int]
  private let cpu: SimulatedCPU

  init(_ counters: [Int], watts: [Double]) {
    self.counters = counters
    cpu = SimulatedCPU(packages: watts.map { .constant(watts: $0) }, cpusPerPackage: 1)
  }

  func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
    try self.cpu.read(address, cpu: counters[cpu])
  }
}

@Suite("A source of packages that may be fewer counters")
struct RepeatedCounterTests {
  private static let identity = CPUIdentity(vendor: .intel, family: 6, model: 0x55)

  private func packages(_ count: Int) -> [PackageCPUs] {
    (0..<count).map { PackageCPUs(id: PackageID(package: $0), cpus: [$0]) }
  }

  @Test(
    "reads each counter once: one package for each virtual CPU, over fewer of them",
    arguments: [
      ([0, 0], [0]), ([0, 0, 0, 0], [0]), ([0, 0, 1, 1], [0, 2]), ([0, 1, 0, 1], [0, 1]), ([0, 1], [0, 1]),
    ])
  func virtualCPUs(counters: [Int], read: [Int]) throws {
    let said = Mutex<[String]>([])
    var source = try CounterSource(
      registers: Mapped(counters, watts: [100, 60]), packages: packages(counters.count), identity: Self.identity,
      map: .intel, domains: [.dram], log: { text in said.withLock { $0.append(text) } })
    let readings = source.read().readings
    #expect(readings.filter { $0.domain == .package }.map(\.package.package) == read)
    #expect(readings.filter { $0.domain == .dram }.map(\.package.package) == read)
    #expect(source.summary.contains(read.count == 1 ? "1 package" : "\(read.count) packages"))
    let left = (0..<counters.count).filter { !read.contains($0) }
    #expect(said.withLock { $0.count } == left.count)
    for package in left {
      let first = counters.firstIndex(of: counters[package]) ?? 0
      #expect(
        said.withLock { $0 }.contains(
          "package \(package) shows the same energy counter as package \(first), so it is not read."))
    }
  }

  /// Two packages that each show the machine's platform.
  private final class SharedPlatform: RegisterFile {
    private let cpu = SimulatedCPU(packages: [.constant(watts: 40), .constant(watts: 60)], cpusPerPackage: 1)
    private let late: UInt64?

    init(late: UInt64?) { self.late = late }

    func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
      guard let late, address == 0x64D, cpu == 1 else { return try self.cpu.read(address, cpu: cpu) }
      return try self.cpu.read(address, cpu: 0) - late
    }
  }

  @Test(
    "a platform that several packages show is read once, also if it may only be that",
    arguments: [
      (0, [0], "Of psys, package 1 shows the same energy counter as package 0"),
      (1000, [0], "The psys counters of package 0 and package 1 may be one, so only that of package 0 is read."),
      (nil, [0, 1], nil),
    ] as [(UInt64?, [Int], String?)])
  func platforms(late: UInt64?, read: [Int], says: String?) throws {
    let said = Mutex<[String]>([])
    var source = try CounterSource(
      registers: SharedPlatform(late: late), packages: packages(2), identity: Self.identity, map: .intel,
      domains: [.psys], log: { text in said.withLock { $0.append(text) } })
    let readings = source.read().readings
    #expect(readings.filter { $0.domain == .package }.map(\.package.package) == [0, 1])
    #expect(readings.filter { $0.domain == .psys }.map(\.package.package) == read)
    #expect(said.withLock { $0.count } == (says == nil ? 0 : 1))
    #expect(said.withLock { $0.allSatisfy { $0.hasPrefix(says ?? "") } })
  }

  @Test("a counter that several packages show may draw what all of them may")
  func bound() throws {
    // Of one core each: 260 W alone.
    let one = try CounterSource(
      registers: Mapped([0], watts: [100]), packages: packages(1), identity: Self.identity, map: .intel)
    let four = try CounterSource(
      registers: Mapped([0, 0, 0, 0], watts: [100]), packages: packages(4), identity: Self.identity, map: .intel)
    #expect(abs(one.longestIntervalSeconds / four.longestIntervalSeconds - 4) < 0.01)
  }

  /// A counter that moves twice for each CPU, and then stands.
  private final class Standing: RegisterFile {
    private let reads = Mutex<[Int: UInt64]>([:])

    func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
      guard address == 0x611 else { return address == 0x606 ? 0xA0E03 : 0 }
      return reads.withLock { reads in
        reads[cpu, default: 0] += 1
        return min(reads[cpu, default: 0], 3) * 1000
      }
    }
  }

  @Test("is refused if it cannot be told")
  func doubtful() {
    let error = #expect(throws: SourceError.self) {
      try CounterSource(registers: Standing(), packages: packages(2), identity: Self.identity, map: .intel)
    }
    #expect(
      "\(error.map { "\($0)" } ?? "")".contains(
        "The energy counters of package 0 and package 1 stay close to the same value"))
  }
}
