import RAPL
import Testing

@testable import Turbostat

/// As turbostat 2022.10.04 prints it on one package, whose columns Package and Die it leaves out.
private let onePackage = """
  Time_Of_Day_Seconds\tCPU\tPkgWatt\tCorWatt\tGFXWatt\tRAMWatt
  1795455003.586757\t-\t42.46\t0.00\t0.00\t1.50
  1795455003.586693\t0\t42.46\t0.00\t0.00\t1.50

  """

/// Two packages; CPUs that are not the first of their package show no watts.
private let twoPackages = """
  Package\tCPU\tPkgWatt
  -\t-\t59.75
  0\t0\t42.50
  0\t1
  1\t2\t17.25
  1\t3\t

  """

private func row(_ package: Int?, _ watts: Double, die: Int? = nil) -> TurbostatTable.Row {
  TurbostatTable.Row(
    package: package.map { PackageID(package: $0, die: die) }, watts: [.package: watts], endUnixNanoseconds: nil)
}

private let two = TurbostatTable(system: row(nil, 59.75), packages: [row(0, 42.5), row(1, 17.25)])

extension TurbostatParser {
  mutating func take(_ text: String) -> [Event] { take(Array(text.utf8)) }
}

@Suite("turbostat's output")
struct TurbostatParserTests {
  @Test("one package, with its other domains and the end of its interval")
  func one() throws {
    var parser = TurbostatParser()
    let watts: [PowerDomain: Double] = [.package: 42.46, .core: 0, .uncore: 0, .dram: 1.5]
    let expected = TurbostatTable(
      system: .init(package: nil, watts: watts, endUnixNanoseconds: 1_795_455_003_586_757_000),
      packages: [
        .init(package: PackageID(package: 0), watts: watts, endUnixNanoseconds: 1_795_455_003_586_693_000)
      ])
    #expect(parser.take(onePackage) == [.table(expected)])
    #expect(parser.tally == TurbostatParser.Tally())
  }

  @Test("two packages are told apart and summed; every table is handed on as soon as it is whole")
  func several() {
    var parser = TurbostatParser()
    for _ in 0..<3 { #expect(parser.take(twoPackages) == [.table(two)]) }
    #expect(two.watts == 59.75)
    // Without a header of its own, as with --header_iterations.
    #expect(parser.take("-\t-\t59.75\n0\t0\t42.50\n1\t2\t17.25\n") == [.table(two)])
  }

  @Test("it does not matter where the chunks are cut", arguments: 1...80)
  func chunks(size: Int) {
    var parser = TurbostatParser()
    var events: [TurbostatParser.Event] = []
    let bytes = Array((twoPackages + twoPackages).utf8)
    for start in stride(from: 0, to: bytes.count, by: size) {
      events += parser.take(Array(bytes[start..<min(start + size, bytes.count)]))
    }
    #expect(events == [.table(two), .table(two)])
  }

  @Test("a small package whose row comes later is waited for")
  func lateRow() {
    var parser = TurbostatParser()
    let text = "Package\tCPU\tPkgWatt\n-\t-\t203.00\n0\t0\t200.00\n1\t2\t3.00\n"
    #expect(parser.take(text).count == 1)
    let late = TurbostatTable(system: row(nil, 203), packages: [row(0, 200), row(1, 3)])
    #expect(parser.take("Package\tCPU\tPkgWatt\n-\t-\t203.00\n0\t0\t200.00\n") == [])
    #expect(parser.take("1\t2\t3.00\n") == [.table(late)])
  }

  @Test("whatever is left of a table is a table that is left out, with the end that it says")
  func remains() {
    func table(_ end: Int, _ rows: [String]) -> String {
      (["Time_Of_Day_Seconds\tPackage\tCPU\tPkgWatt"] + rows.map { "\(end).5\t\($0)" } + [""]).joined(separator: "\n")
    }
    let rows = ["-\t-\t59.75", "0\t0\t42.50", "1\t2\t17.25"]
    let cases: [([String], TurbostatRejection)] = [
      (["-\t-\tnan", "0\t0\tnan", "1\t2\tnan"], .junkRow), (Array(rows[1...]), .junkRow),
      (Array(rows[..<1]), .noPackages),
      (["-\t-\t42.50", rows[1]], .lostPackage),
    ]
    for (rest, reason) in cases {
      var parser = TurbostatParser()
      let isTable = parser.take(table(100, rows)).map { if case .table = $0 { true } else { false } }
      #expect(isTable == [true])
      let events = parser.take(table(101, rest)) + parser.take(table(102, rows))
      #expect(events.first == .rejected(reason, endUnixNanoseconds: 101_500_000_000) && events.count == 2, "\(events)")
    }
  }

  @Test("a package that two tables in a row lack is gone")
  func gone() {
    var parser = TurbostatParser()
    let rest = "Package\tCPU\tPkgWatt\n-\t-\t42.50\n0\t0\t42.50\n"
    let one = TurbostatTable(system: row(nil, 42.5), packages: [row(0, 42.5)])
    let events = parser.take(twoPackages) + parser.take(rest) + parser.take(rest) + parser.take(rest)
    #expect(events == [.table(two), .rejected(.lostPackage), .table(one), .table(one)])
  }

  @Test("dies are told apart")
  func dies() {
    var parser = TurbostatParser()
    let text = "Package\tDie\tCPU\tPkgWatt\n-\t-\t-\t30.00\n0\t0\t0\t10.00\n0\t1\t4\t20.00\n"
    let table = TurbostatTable(system: row(nil, 30), packages: [row(0, 10, die: 0), row(0, 20, die: 1)])
    #expect(parser.take(text) == [.table(table)])
  }

  struct Shape: CustomTestStringConvertible {
    let testDescription: String
    let text: String
    /// Each package's watts.
    let packages: [PackageID: [PowerDomain: Double]]
  }

  @Test(
    "what turbostat prints for each core or the system only is whose it is",
    arguments: [
      Shape(
        testDescription: "AMD, a Die column",
        text: "Die\tCPU\tCorWatt\tPkgWatt\n-\t-\t100.23\t152.59\n0\t0\t6.33\t152.57\n",
        packages: [PackageID(package: 0): [.package: 152.57, .core: 100.23]]),
      Shape(
        testDescription: "AMD, the row of another die's CPU",
        text: "Die\tCPU\tCorWatt\tPkgWatt\n-\t-\t29.64\t42.53\n3\t0\t14.98\t43.14\n0\t1\t14.87\n",
        packages: [PackageID(package: 0): [.package: 43.14, .core: 29.64]]),
      Shape(
        testDescription: "AMD, no Die column",
        text: "CPU\tCorWatt\tPkgWatt\n-\t100.23\t152.59\n0\t6.33\t152.57\n1\t6.30\n",
        packages: [PackageID(package: 0): [.package: 152.57, .core: 100.23]]),
      Shape(
        testDescription: "AMD, two packages of dies that are numbered across them",
        text: """
          Package\tDie\tCPU\tCorWatt\tPkgWatt
          -\t-\t-\t41.24\t59.46
          0\t0\t0\t7.40\t42.46
          1\t4\t8\t2.97\t17.00

          """,
        packages: [PackageID(package: 0): [.package: 42.46], PackageID(package: 1): [.package: 17]]),
      Shape(
        testDescription: "AMD, impossible cores",
        text: "CPU\tCorWatt\tPkgWatt\n-\t2e14\t152.59\n0\t6.33\t152.57\n",
        packages: [PackageID(package: 0): [.package: 152.57]]),
      Shape(
        testDescription: "Intel, psys on the system row only, one package",
        text: "CPU\tPkgWatt\tCorWatt\tSysWatt\n-\t42.50\t29.75\t63.76\n0\t42.50\t29.74\n1\n",
        packages: [PackageID(package: 0): [.package: 42.5, .core: 29.74, .psys: 63.76]]),
      Shape(
        testDescription: "Intel, psys on the system row only, two packages",
        text:
          "Package\tCPU\tPkgWatt\tRAMWatt\tSysWatt\n-\t-\t59.77\t14.94\t612.00\n0\t0\t42.52\t10.63\n1\t1\t17.26\t4.31\n",
        packages: [
          PackageID(package: 0): [.package: 42.52, .dram: 10.63, .psys: 612],
          PackageID(package: 1): [.package: 17.26, .dram: 4.31],
        ]),
      Shape(
        testDescription: "Intel, a psys of 0, and one that cannot be",
        text:
          "CPU\tPkgWatt\tSysWatt\n-\t42.50\t0.00\n0\t42.50\nCPU\tPkgWatt\tSysWatt\n-\t42.50\t1044765.23\n0\t42.50\n",
        packages: [PackageID(package: 0): [.package: 42.5]]),
      Shape(
        testDescription: "Intel, dies",
        text: "Die\tCPU\tPkgWatt\tRAMWatt\n-\t-\t42.61\t2.67\n0\t0\t42.52\t2.66\n1\t1\n",
        packages: [PackageID(package: 0, die: 0): [.package: 42.52, .dram: 2.66]]),
    ])
  func shapes(shape: Shape) {
    var parser = TurbostatParser()
    let tables = parser.take(shape.text).compactMap { event in
      if case .table(let table) = event { table } else { nil }
    }
    #expect(!tables.isEmpty && parser.tally == TurbostatParser.Tally())
    for table in tables {
      #expect(Dictionary(uniqueKeysWithValues: table.packages.map { ($0.package, $0.watts) }) == shape.packages)
    }
  }

  @Test("a table that shows one die of several is none for a sum, and one for a comparison")
  func oneDie() throws {
    func table(_ text: String) -> TurbostatTable? {
      var parser = TurbostatParser()
      guard case .table(let table)? = parser.take(text).first else { return nil }
      return table
    }
    let one = try #require(table("Die\tCPU\tPkgWatt\n-\t-\t42.61\n0\t0\t42.52\n1\t1\n"))
    #expect(one.leavesDiesOut)
    let both = try #require(
      table("Package\tDie\tCPU\tPkgWatt\n-\t-\t-\t30.00\n0\t0\t0\t10.00\n0\t1\t4\t20.00\n"))
    #expect(!both.leavesDiesOut && !two.leavesDiesOut)
    // Since Linux 6.9 dies are numbered across the machine: without a level of dies, by their packages.
    let numbered = try #require(
      table("Package\tDie\tCPU\tPkgWatt\n-\t-\t-\t59.75\n0\t0\t0\t42.50\n1\t1\t2\t17.25\n"))
    #expect(numbered == two && !numbered.leavesDiesOut)
    // Two dies in each of two packages.
    for second in [0, 2] {
      let dies = try #require(
        table("Package\tDie\tCPU\tPkgWatt\n-\t-\t-\t59.75\n0\t0\t0\t42.50\n1\t\(second)\t2\t17.25\n"))
      #expect(dies.leavesDiesOut)
    }
    let amd = try #require(table("Die\tCPU\tCorWatt\tPkgWatt\n-\t-\t29.64\t42.53\n0\t0\t14.98\t43.14\n"))
    #expect(!amd.leavesDiesOut)
    let sample = PowerSample(
      watts: 42.5, windowNanoseconds: 1, endMonotonicNanoseconds: 1, endUnixNanoseconds: 1)
    guard case .rejected(.oneDie) = TurbostatEvent.sample(sample, one).forSum else {
      Issue.record("not rejected")
      return
    }
  }

  @Test("package power that is missing is said at the first header")
  func noPackagePower() {
    var parser = TurbostatParser()
    #expect(parser.take("Time_Of_Day_Seconds\tCPU\n") == [.rejected(.noPackagePower)])
    #expect("\(TurbostatRejection.noPackagePower)".contains("PkgWatt"))
    #expect(parser.take(twoPackages) == [.table(two)])
  }

  struct Bad: CustomTestStringConvertible {
    let testDescription: String
    let text: String
    var rejection: TurbostatRejection?
    var junkLines = 0
    var emptyLines = 0
  }

  @Test(
    "what cannot be used is left out, said and counted, and the next table is read",
    arguments: [
      Bad(testDescription: "empty lines", text: "\n\n\t\t\n", emptyLines: 3),
      Bad(testDescription: "rows before any header", text: "-\t-\t59.75\n0\t0\t42.50\n", junkLines: 2),
      Bad(testDescription: "a warning amidst", text: "turbostat: Can not set timer.\n", junkLines: 1),
      Bad(
        testDescription: "an absurd package", text: "Package\tCPU\tPkgWatt\n-\t-\t2e14\n0\t0\t2e14\n",
        rejection: .noPackages, junkLines: 1),
      Bad(
        testDescription: "no number", text: "Package\tCPU\tPkgWatt\n-\t-\tnan\n0\t0\tinf\n1\t2\t-5\n",
        rejection: .junkRow, junkLines: 3),
      Bad(
        testDescription: "a package is missing", text: "Package\tCPU\tPkgWatt\n-\t-\t59.75\n0\t0\t42.50\n",
        rejection: .unequal(system: 59.75, packages: 42.5)),
      Bad(
        testDescription: "a package twice", text: "Package\tCPU\tPkgWatt\n-\t-\t42.50\n0\t0\t21.25\n0\t0\t21.25\n",
        rejection: .junkRow, junkLines: 1),
      Bad(
        testDescription: "a cut row", text: "Package\tCPU\tPkgWatt\n-\t-\t59.75\n0\t0\t42.50\n1\t2\t17.\u{1}\n",
        rejection: .junkRow, junkLines: 1),
      Bad(testDescription: "no CPU column", text: "PkgWatt\n42.50\n", rejection: .noCPUColumn),
      Bad(
        testDescription: "no package power, as on a model that this turbostat does not know",
        text: "Time_Of_Day_Seconds\tCPU\n1795632305.707445\t-\n1795632305.707399\t0\n1795632305.707445\t1\n",
        rejection: .noPackagePower),
      Bad(
        testDescription: "no package power, but cores'", text: "CPU\tCorWatt\n-\t29.76\n0\t14.72\n",
        rejection: .noPackagePower),
      Bad(testDescription: "CPUs alone", text: "CPU\n-\n0\n", rejection: .noPackagePower),
      Bad(testDescription: "no packages", text: "CPU\tPkgWatt\n-\t42.50\n", rejection: .noPackages),
      Bad(testDescription: "headers again and again", text: "CPU\tPkgWatt\nCPU\tPkgWatt\n"),
      Bad(testDescription: "no UTF-8", text: "", junkLines: 1),
      Bad(testDescription: "junk without end", text: String(repeating: "x\t", count: 100_000) + "\n", junkLines: 1),
    ])
  func leftOut(bad: Bad) {
    var parser = TurbostatParser()
    var events = parser.take(bad.text)
    if bad.text.isEmpty { events += parser.take([0xFF, 0x80, UInt8(ascii: "\n")]) }
    events += parser.take(twoPackages)
    #expect(events == (bad.rejection.map { [.rejected($0)] } ?? []) + [.table(two)])
    #expect(parser.tally.junkLines == bad.junkLines && parser.tally.emptyLines == bad.emptyLines)
    #expect(parser.tally.rejectedTables == (bad.rejection == nil ? 0 : 1))
  }

  @Test("an absurd value of another domain is left out alone")
  func absurdDomain() {
    var parser = TurbostatParser()
    let text = "CPU\tPkgWatt\tRAMWatt\n-\t42.50\t2e14\n0\t42.50\t2e14\n"
    guard case .table(let table) = parser.take(text).first else { return #expect(Bool(false), "no table") }
    #expect(table.packages[0].watts == [.package: 42.5])
  }

  @Test(
    "a time of day that none is, is as good as none",
    arguments: ["9700000001.26", "1e10", "1e300", "-1", "0", "nan", "inf", "x", ""])
  func times(text: String) throws {
    var parser = TurbostatParser()
    let events = parser.take("Time_Of_Day_Seconds\tCPU\tPkgWatt\n1795455003.5\t-\t42.46\n\(text)\t0\t42.46\n")
    guard case .table(let table)? = events.first else {
      Issue.record("\(events)")
      return
    }
    #expect(table.packages == [row(0, 42.46)])
  }

  @Test("megabytes of junk are survived and counted, and memory stays small")
  func flood() {
    var parser = TurbostatParser()
    var random = SystemRandomNumberGenerator()
    var newlines = 0
    for _ in 0..<80 {
      let chunk = (0..<65_536).map { _ in UInt8.random(in: 0...255, using: &random) }
      newlines += chunk.count { $0 == UInt8(ascii: "\n") }
      #expect(parser.take(chunk).isEmpty)
    }
    let events = parser.take("\n" + twoPackages)
    #expect(events == [.table(two)])
    #expect(parser.tally.junkLines + parser.tally.emptyLines == newlines + 1)
  }

  @Test("rejections are sentences")
  func sentences() {
    #expect(
      "\(TurbostatRejection.unequal(system: 59.75, packages: 42.5))"
        == "turbostat's system row shows 59.75 W, but its packages add up to 42.5 W.")
  }
}
