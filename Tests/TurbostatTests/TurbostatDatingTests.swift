import RAPL
import Testing

@testable import Turbostat

/// Clocks that a test moves, and a turbostat that measures by them.
private struct Clocks {
  var monotonic: Int64 = 5_000_000_000
  var unix: Int64 = 1_795_455_000_000_000_000
  var asleep: Int64 = 0

  var moment: TurbostatDating.Moment {
    TurbostatDating.Moment(monotonicNanoseconds: monotonic, unixNanoseconds: unix, asleepNanoseconds: asleep)
  }

  mutating func pass(_ seconds: Double) {
    monotonic += Int64(nanosecondsIn: seconds)
    unix += Int64(nanosecondsIn: seconds)
  }

  mutating func sleep(_ seconds: Double) {
    asleep += Int64(nanosecondsIn: seconds)
    unix += Int64(nanosecondsIn: seconds)
  }

  mutating func setWall(by seconds: Double) { unix += Int64(nanosecondsIn: seconds) }

  /// A table of an interval that ends now.
  func table(dated: Bool = true) -> TurbostatTable {
    func row(_ package: PackageID?) -> TurbostatTable.Row {
      TurbostatTable.Row(package: package, watts: [.package: 42.5], endUnixNanoseconds: dated ? unix : nil)
    }
    return TurbostatTable(system: row(nil), packages: [row(PackageID(package: 0))])
  }
}

/// The end of a window in seconds of the monotonic clock, and its length.
private struct Window: Equatable, CustomStringConvertible {
  var end: Double
  var seconds: Double
  var description: String { "\(seconds) s up to \(end)" }

  init(_ end: Double, _ seconds: Double) {
    (self.end, self.seconds) = (end, seconds)
  }

  init(_ sample: PowerSample) {
    func rounded(_ nanoseconds: Int64) -> Double { (Double(nanoseconds) / 1e6).rounded() / 1e3 }
    self.init(rounded(sample.endMonotonicNanoseconds), rounded(sample.windowNanoseconds))
  }
}

@Suite("The dating of turbostat's tables")
struct TurbostatDatingTests {
  private var clocks = Clocks()
  private var dating: TurbostatDating

  init() { dating = TurbostatDating(intervalSeconds: 1, begun: clocks.moment) }

  /// Reads a table; nil where it has no window.
  private mutating func read(_ table: TurbostatTable) -> Window? {
    dating.sample(of: table, readAt: clocks.moment).map { Window($0) }
  }

  private mutating func expect(_ table: TurbostatTable, _ expected: Window?) {
    let window = read(table)
    #expect(window == expected)
  }

  /// Two tables, each read 2 ms after its interval's end: the first begins a while after the start.
  private mutating func begin(dated: Bool = true) {
    clocks.pass(1.5)
    var table = clocks.table(dated: dated)
    clocks.pass(0.002)
    expect(table, Window(dated ? 6.5 : 6.502, 1))
    clocks.pass(0.998)
    table = clocks.table(dated: dated)
    clocks.pass(0.002)
    expect(table, Window(dated ? 7.5 : 7.502, 1))
  }

  @Test("a window goes from what turbostat says was the end of one interval to that of the next")
  mutating func usual() { begin() }

  @Test("tables that waited while this process was stopped have the windows that they are of")
  mutating func stopped() {
    begin()
    var tables: [TurbostatTable] = []
    for _ in 0..<4 {
      clocks.pass(1)
      tables.append(clocks.table())
    }
    clocks.pass(0.3)
    for (table, window) in zip(
      tables, [Window(8.502, 1.002), Window(9.502, 1), Window(10.502, 1), Window(11.502, 1)] as [Window?])
    { expect(table, window) }
  }

  @Test("of those that do not say when they ended, the first has an interval, and the rest none")
  mutating func stoppedWithoutTime() {
    begin(dated: false)
    clocks.pass(4.3)
    let table = clocks.table(dated: false)
    for (table, window) in zip([table, table, table], [Window(11.802, 1), nil, nil] as [Window?]) {
      expect(table, window)
    }
    clocks.pass(0.7)
    expect(table, Window(12.502, 0.7))
  }

  @Test(
    "a wall clock that is set before a table is read, or between its interval's end and its reading, moves no window",
    arguments: [3600, 0.7, 0.001, -0.001, -0.7, -3600] as [Double], [false, true])
  mutating func setClock(by seconds: Double, between: Bool) {
    begin()
    if !between { clocks.setWall(by: seconds) }
    clocks.pass(0.998)
    let table = clocks.table()
    if between { clocks.setWall(by: seconds) }
    clocks.pass(0.002)
    // What lies within an interval cannot be told from a table that waited so long.
    let early = between && seconds > 0 && seconds < 1 ? seconds : 0
    let second = read(table)
    #expect(
      second.map { abs($0.end - (8.5 - early)) < 0.0011 && abs($0.seconds - (1 - early)) < 0.0011 } == true,
      "\(String(describing: second))")
    clocks.pass(0.998)
    let third = read(clocks.table())
    #expect(
      third.map { abs($0.end - 9.5) < 0.0011 && abs($0.seconds - (1 + early)) < 0.0011 } == true,
      "\(String(describing: third))")
  }

  @Test("a wall clock that is set while this process is stopped moves no window", arguments: [3600, -3600] as [Double])
  mutating func setWhileStopped(by seconds: Double) {
    begin()
    var tables: [TurbostatTable] = []
    for number in 0..<4 {
      clocks.pass(1)
      tables.append(clocks.table())
      if number == 1 { clocks.setWall(by: seconds) }
    }
    clocks.pass(0.3)
    for (table, window) in zip(
      tables, [Window(8.502, 1.002), Window(9.502, 1), Window(10.502, 1), Window(11.502, 1)] as [Window?])
    { expect(table, window) }
  }

  @Test("a table of a time in which the machine slept has no window; the next one has its own")
  mutating func asleep() {
    begin()
    clocks.sleep(3600)
    clocks.pass(0.998)
    expect(clocks.table(), nil)
    clocks.pass(1)
    expect(clocks.table(), Window(9.5, 1))
  }

  @Test(
    "after a table that is left out, a window begins at its end; where nobody knows that, it is an interval",
    arguments: [false, true], [true, false])
  mutating func leftOut(knowsEnd: Bool, dated: Bool) {
    begin(dated: dated)
    let old = clocks.unix
    for _ in 0..<10 {
      clocks.pass(1)
      dating.leaveOut(endUnixNanoseconds: knowsEnd ? clocks.unix : nil, readAt: clocks.moment)
    }
    clocks.pass(1.25)
    // Also a broken time in what is left out makes nothing longer.
    dating.leaveOut(endUnixNanoseconds: old + 20_000_000, readAt: clocks.moment)
    let end = 18.752
    expect(clocks.table(dated: dated), Window(end, knowsEnd ? 1.25 : 1))
    clocks.pass(1)
    expect(clocks.table(dated: dated), Window(end + 1, 1))
  }

  @Test("a broken time of a table that is left out makes no window longer")
  mutating func brokenTime() {
    begin()
    dating.leaveOut(endUnixNanoseconds: clocks.unix - 1_000_000, readAt: clocks.moment)
    clocks.pass(8)
    expect(clocks.table(), Window(15.502, 1))
  }

  @Test("a table that is late itself is the mean over all the time since the one before")
  mutating func late() {
    begin()
    clocks.pass(3.998)
    expect(clocks.table(), Window(11.5, 4))
  }

  @Test("a first table that comes at once has no window from before the start")
  mutating func atOnce() {
    clocks.pass(0.25)
    expect(clocks.table(), Window(5.25, 0.25))
  }

  @Test("whatever the clocks say, ends go on, and windows are positive", arguments: [Int64.min, -1, 0, 1, .max])
  mutating func anyClock(value: Int64) {
    begin()
    for moment in [(value, 0), (0, value), (value, value), (clocks.monotonic, value), (value, clocks.unix)] {
      (clocks.monotonic, clocks.unix, clocks.asleep) = (moment.0, moment.1, value)
      for table in [clocks.table(), clocks.table(dated: false)] {
        if let window = read(table) { #expect(window.seconds > 0 && window.end > 7.5) }
      }
    }
  }
}
