import Foundation
import PowerSources
import RAPL
import SystemCalls
import Testing

@testable import Diagnosis
@testable import PowerSources

@Suite("A trace")
struct TraceTests {
  private static let register = Trace.Counter.register(Capture.Register(cpu: 3, address: 0xC001_029B))
  private static let trace = Trace(
    clocks: [5, 7, 1_700_000_000_000_000_000],
    tracks: [
      Trace.Track(
        counter: register,
        runs: [
          .init(first: 0, last: 900, reads: 9, reading: .value(1)),
          .init(first: 1000, last: 1000, reads: 1, reading: .failed(errno: EIO)),
          .init(first: 1100, last: 2000, reads: 3, reading: .value(.max)),
        ]),
      Trace.Track(counter: .zone("intel-rapl:0"), runs: [.init(first: 10, last: 10, reads: 1, reading: .value(0))]),
    ], nanoseconds: 3000)

  @Test("is read as it was written")
  func roundTrip() throws {
    #expect(try Trace(Self.trace.text) == Self.trace)
  }

  @Test(
    "that is broken is refused with what is wrong",
    arguments: [
      ("", "not a trace"), ("trace 2\nend 1\n", "not a trace"), ("trace 1\n", "cut off"),
      ("trace 1\nclocks 1 2 3\n", "cut off"),
      ("trace 1\nclocks 1 2 3\nregister 0 0x611\n0 1 1 0x1\nend 5", "cut off"),
      ("trace 1\nclocks 1 2 3\nregister 0 0x611\n0 1 1 0x", "cut off"),
      ("trace 1\nclocks 1 2\nend 5\n", "line 2"), ("trace 1\nclocks 1 2 3\nend 5\n", "no reading"),
      ("trace 1\nclocks 1 2 3\nregister 0 0x611\nend 5\n", "no reading"),
      ("trace 1\nclocks 1 2 3\nregister 0 0x611\n5 4 1 0x1\nend 5\n", "line above, in line 4"),
      ("trace 1\nclocks 1 2 3\nregister 0 0x611\n0 4 1 0x1\n4 5 1 0x2\nend 5\n", "line above, in line 5"),
      ("trace 1\nclocks 1 2 3\nregister 0 0x611\n0 6 1 0x1\nend 5\n", "line 4"),
      ("trace 1\nclocks 1 2 3\n0 1 1 0x1\nend 5\n", "line 3"),
      ("trace 1\nclocks 1 2 3\nregister 0 0x611\n0 1 1 0x1FFFFFFFFFFFFFFFF\nend 5\n", "line 4"),
      ("trace 1\nclocks 1 2 3\nregister 0 0x611\n0 99999999999999999999 1 0x1\nend 5\n", "line 4"),
      ("trace 1\nclocks 1 2 3\nregister 0 0x611\n0 1 1 0x1\nend 9000000000000000000\n", "line 5"),
      ("trace 1\nclocks 1 2 3\nregister 0 0x611\n0 1 1 0x1\nend -1\n", "line 5"),
      ("trace 1\nclocks 1 2 3\nregister 0 0x1611000000\n0 1 1 0x1\nend 5\n", "line 3"),
      ("trace 1\nclocks 1 2 3\nregister -1 0x611\n0 1 1 0x1\nend 5\n", "line 3"),
      ("trace 1\nclocks 1 2 3\nzone \n0 1 1 0x1\nend 5\n", "line 3"),
      ("trace 1\nclocks 1 2 3\nzone a\n0 1 0 0x1\nend 5\n", "line 4"),
      ("trace 1\nclocks 1 2 3\nzone a\n0 1 1 error 0\nend 5\n", "line 4"),
      ("trace 1\nclocks 1 2 3\nzone a\n0 1 1 0x1\n\nend 5\n", "line 5"),
      ("trace 1\nclocks 1 2 3\nzone a\n0 1 1 0x1\nzone a\n0 1 1 0x1\nend 5\n", "twice, in line 5"),
      ("trace 1\nclocks 1 2 3\nend 5\nzone a\n0 1 1 0x1\nend 5\n", "line 3"),
      // A replay would wait for hours between two readings.
      ("trace 1\nclocks 1 2 3\nzone a\n0 1 2 0x1\nend 3600000000000\n", "too few readings"),
      ("trace 1\nclocks 1 2 3\nzone a\n0 1 9223372036854775807 0x1\n2 3 2 0x2\nend 20000000000\n", "line 4"),
      // Millions of lines are not kept to refuse the first.
      ("trace 1\nclocks 1 2 3\n" + String(repeating: "\n", count: 30 << 20) + "end 5\n", "line 3"),
    ])
  func broken(text: String, says: String) throws {
    let error = #expect(throws: TraceError.self) { try Trace(text) }
    #expect("\(try #require(error))".contains(says))
  }

  @Test("of which any part is missing is refused, never trapped on")
  func cut() {
    let text = Self.trace.text
    for count in 0..<text.utf8.count {
      #expect(throws: TraceError.self) { try Trace(String(decoding: text.utf8.prefix(count), as: UTF8.self)) }
    }
  }

  @Test("shows what it showed, as time passes from the first reading on, and then says that it is over")
  func replay() throws {
    var capture = Capture()
    capture.trace = Self.trace
    capture.registers[Capture.Register(cpu: 4, address: 0x611)] = .read([1, 2])
    let now = Clock()
    let replay = Replay(capture, clock: Replay.Clock(now: { now.time }, wait: { now.time = $0 }))
    func read(at time: Int64) throws(RegisterError) -> UInt64 {
      now.time = 1_000_000 + time
      return try replay.read(0xC001_029B, cpu: 3)
    }
    for (time, value) in [(0, 1), (950, 1), (999, 1), (1100, .max), (2999, .max), (3000, .max)] as [(Int64, UInt64)] {
      #expect(try read(at: time) == value)
    }
    #expect(throws: RegisterError.absent(address: 0xC001_029B, cpu: 3)) { try read(at: 1050) }
    #expect(throws: RegisterError.traceOver(seconds: 3e-6)) { try read(at: 3001) }
    #expect(throws: RegisterError.notCaptured(address: 0x606, cpu: 3)) { try replay.read(0x606, cpu: 3) }
    #expect(throws: RegisterError.notCaptured(address: 0x611, cpu: 4)) { try replay.read(0x611, cpu: 4) }
  }

  @Test("of one counter under two names shows one that follows the other, whenever they are read")
  func twins() throws {
    // Read in turn, 20 us apart; it moves every millisecond, now and then between the two readings.
    func track(_ zone: String, at offset: Int64) -> Trace.Track {
      var track = Trace.Track(counter: .zone(zone))
      for round in Int64(0)..<5000 {
        track.add(.value(UInt64((round * 100 + offset) / 990)), at: round * 100_000 + offset * 1000)
      }
      return track
    }
    var capture = Capture()
    capture.trace = Trace(
      clocks: [0, 0, 0], tracks: [track("a", at: 0), track("b", at: 20)], nanoseconds: 500_000_000)
    let now = Clock()
    let replay = Replay(capture, clock: Replay.Clock(now: { now.time }, wait: { now.time = $0 }))
    for _ in 0..<500 {
      let values = try ["a", "b", "a"].map { try replay.energy(ofZone: "\($0)/energy_uj") }
      #expect(values[0] <= values[1] && values[1] <= values[2], "\(values) at \(now.time)")
      now.time += 7300
    }
  }

  @Test("that was interrupted is not replayed as a counter that stands: whoever reads it waits")
  func interrupted() throws {
    let counter = Trace.Counter.zone("a")
    var track = Trace.Track(counter: counter)
    // Read each 100 us, but for 60 ms each fifth of a second; it moves each millisecond.
    for round in Int64(0)..<20_000 where round % 2000 < 1400 {
      track.add(.value(UInt64(1000 + round / 10)), at: round * 100_000)
    }
    var capture = Capture()
    capture.trace = Trace(clocks: [0, 0, 0], tracks: [track], nanoseconds: 2_000_000_000)
    let now = Clock()
    let replay = Replay(capture, clock: Replay.Clock(now: { now.time }, wait: { now.time = max($0, now.time) }))
    var probe = CounterProbe(start: 0)
    var movement: CounterProbe.Movement?
    _ = try replay.energy(ofZone: "a/energy_uj")
    now.time = 139_500_000
    while movement == nil {
      movement = probe.take(try replay.energy(ofZone: "a/energy_uj"), at: now.time)
      now.time += 1_000_000
    }
    #expect(movement == .continuous)
  }

  @Test("says how often a counter moves, and only if it was read often enough to see that")
  func rhythm() throws {
    func track(apart: Int64) -> Trace.Track {
      var track = Trace.Track(counter: Self.register)
      for time in stride(from: Int64(0), to: 1_000_000_000, by: Int64.Stride(apart)) {
        track.add(.value(UInt64(4_294_967_000 + time / 1_020_000)), at: time)
      }
      return track
    }
    let unit = EnergyUnit(joulesPerCount: 1 / 16_384)
    let counter = EnergyCounter(unit: unit, bound: PowerBound(cores: 4))
    func rhythm(_ track: Trace.Track) -> Rhythm? { Rhythm(track, counter, range: 1 << 32) }
    let fine = try #require(rhythm(track(apart: 100_000)))
    #expect("\(fine)" == "1.00 ms (90 % of the moves after 1.00 to 1.10 ms)")
    #expect(fine.counts == 979 && abs(fine.seconds - 0.9986) < 0.001 && !fine.isLowerBound)
    #expect(
      "\(try #require(rhythm(track(apart: 3_000_000))))" == "3.00 ms or more often (it was read every 3.00 ms)")
    #expect(rhythm(track(apart: 600_000_000)) == nil)
  }

  @Test("says what was drawn through resets and odd values, never what no power explains", arguments: [0, 1 << 31, 7])
  func averages(odd: UInt64) throws {
    // 16 W, and after half a second it is set back, or reads junk for once.
    var track = Trace.Track(counter: Self.register)
    for millisecond in Int64(0)..<1000 {
      let isReset = odd == 7 && millisecond >= 500
      let going = isReset ? UInt64(millisecond - 500) * 262 + odd : UInt64(millisecond) * 262 + 1 << 30
      let value = millisecond == 500 ? odd : going
      track.add(.value(value), at: millisecond * 1_000_000)
    }
    let unit = EnergyUnit(joulesPerCount: 1 / 16_384)
    let rhythm = try #require(Rhythm(track, EnergyCounter(unit: unit, bound: PowerBound(cores: 4)), range: 1 << 32))
    let watts = unit.joules(rhythm.counts) / rhythm.seconds
    #expect(watts <= 16.1 && watts > 12, "\(watts) W")
    #expect(rhythm.isLowerBound == (odd != 0))
  }

  @Test("says what was drawn, however long the trace was interrupted", arguments: [0, 450, 1950, 5950] as [Int64])
  func interrupted(milliseconds: Int64) throws {
    var track = Trace.Track(counter: Self.register)
    for millisecond in Int64(0)..<20_000 where !(1..<1 + milliseconds).contains(millisecond) {
      track.add(.value(UInt64(1_000_000 + millisecond * 262)), at: millisecond * 1_000_000)
    }
    let unit = EnergyUnit(joulesPerCount: 1 / 16_384)
    let rhythm = try #require(Rhythm(track, EnergyCounter(unit: unit, bound: PowerBound(cores: 4)), range: 1 << 32))
    let watts = 262_000 / 16_384.0
    #expect(abs(unit.joules(rhythm.counts) / rhythm.seconds - watts) < watts * 0.001)
  }

  private final class Clock: @unchecked Sendable {
    var time: Int64 = 0
  }

  @Test("of a counter that hardly moved, or that could not be read, is told apart by the doctor")
  func lackOfRhythm() throws {
    func text(_ runs: [Trace.Run]) throws -> String {
      var capture = Capture()
      capture.registers[Capture.Register(cpu: 0, address: 0x606)] = .read([0xA0E03])
      capture.trace = Trace(
        clocks: [0, 0, 0],
        tracks: [Trace.Track(counter: .register(Capture.Register(cpu: 0, address: 0x611)), runs: runs)],
        nanoseconds: 1_000_000_000)
      let root = NSTemporaryDirectory() + "pkg-watt-stat-trace-\(UInt64.random(in: 0...UInt64.max))"
      defer { try? FileManager.default.removeItem(atPath: root) }
      let cpuinfo = "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 158\n"
      try capture.write(texts: ["proc/cpuinfo": cpuinfo], to: root)
      return Doctor.examine(try Machine(root: root)).text
    }
    func run(_ first: Int64, _ last: Int64, _ reading: Trace.Reading) -> Trace.Run {
      Trace.Run(first: first, last: last, reads: 50, reading: reading)
    }
    #expect(try text([run(0, 900_000_000, .value(5))]).contains("0x611 does not move in that time"))
    let moved = try text([run(0, 500_000_000, .value(5)), run(600_000_000, 900_000_000, .value(7))])
    #expect(moved.contains("0x611 moves less than twice in that time"), "\(moved)")
    let failed = try text([run(0, 900_000_000, .failed(errno: EIO))])
    #expect(failed.contains("0x611 cannot be read: Input/output error"), "\(failed)")
  }

  @Test("has every change of a counter, with the readings around it")
  func recorder() throws {
    var value: UInt64 = 0
    var reads = 0
    let source = TraceRecorder.Source(Self.register) {
      reads += 1
      if reads % 5 == 0 { value += 1 }
      return .value(value)
    }
    let slow = TraceRecorder.Source(.zone("a"), .slow) { .failed(errno: 13) }
    let trace = try #require(TraceRecorder.record([source, slow], nanoseconds: 50_000_000))
    // Interrupted readings are left out, so there may be fewer than were made, never others.
    let runs = trace.tracks[0].runs
    #expect(!runs.isEmpty && runs.reduce(0) { $0 + $1.reads } <= reads && runs.allSatisfy { $0.reads <= 5 })
    #expect(zip(runs, runs.dropFirst()).allSatisfy { $0.last < $1.first })
    let values = runs.map { if case .value(let value) = $0.reading { value } else { UInt64.max } }
    #expect(values == values.sorted() && Set(values).count == values.count && values.last ?? .max <= value)
    #expect(trace.tracks[1].runs.map(\.reads) == [1])
    #expect(trace.nanoseconds >= 50_000_000 && trace.clocks.count == 3)
    #expect(try Trace(trace.text) == trace)
  }
}
