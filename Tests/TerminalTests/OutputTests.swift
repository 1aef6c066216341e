import PowerProtocol
import Testing

@testable import Terminal

@Suite("A snapshot for scripts")
struct SnapshotTests {
  @Test("has one line for each number, each beginning with its name, and no escapes")
  func version2() {
    let history = HistoryReport(
      seconds: 900, rows: [Samples.row(990, 40), Samples.row(1000, seconds: 9, 50, least: 45, most: 61.7)])
    let lines = WatchSnapshot.lines(Samples.report(), history: history, now: 1000)
    #expect(
      lines.joined(separator: "\n") == """
        total             59.75 W  >= 12345.67 J  the sum of the packages, mean of 1 s; J since the service's start
        package-0         42.50 W      8781.42 J
        package-0/core    29.75 W      6147.00 J  part of package 0
        package-0/uncore      - W      >= 3.00 J  part of package 0
        package-0/dram     3.10 W       640.00 J  memory: not part of the package
        package-0/psys    70.00 W     14000.00 J  the whole platform: not in the total
        package-1         17.25 W   >= 3564.25 J
        package-1/core    12.00 W      2400.00 J  part of package 1
        history  min 40.00 W  mean 49.00 W  max 61.70 W  490.00 J  in 10 s
        status  ok
        """)
  }

  @Test("says of a time asleep that its extremes are of averages")
  func asleep() {
    let history = HistoryReport(seconds: 900, rows: [Samples.row(1000, seconds: 10, 50, isAsleep: true)])
    let line = WatchSnapshot.lines(Samples.report(), history: history, now: 1000).dropLast().last
    #expect(line?.hasSuffix(" in 10 s (min and max are of averages while the service slept)") == true)
  }

  @Test("says what the number is worth")
  func status() {
    let stale = Samples.report(status: .stale, reason: "It cannot be read.")
    let empty = HistoryReport(seconds: 900, rows: [])
    #expect(WatchSnapshot.lines(stale, history: empty, now: 1012).last == "status  stale, 12 s old: It cannot be read.")
    let line = PowerLine(centiwatts: 4250, unixMilliseconds: 1_000_000, status: .simulated)
    #expect(WatchSnapshot.lines(line, now: 1000) == ["total  42.50 W", "status  simulated"])
  }
}

@Suite("Lines for a pipe")
struct PlainLinesTests {
  @Test("give the reading, what it is worth, and what stood out so far")
  func lines() {
    var lines = PlainLines()
    let readings: [(Int64, PowerLine.Status)] = [(4000, .ok), (4500, .simulated), (9900, .stale)]
    let text = readings.map {
      lines.next(Reading(PowerLine(centiwatts: $0, unixMilliseconds: 0, status: $1)))
    }
    #expect(
      text == [
        "40.0 W  min 40.0  mean 40.0  max 40.0", "45.0 W (simulated)  min 40.0  mean 42.5  max 45.0",
        "99.0 W (stale)  min 40.0  mean 42.5  max 45.0",
      ])
    var fresh = PlainLines()
    #expect(fresh.next(Reading(PowerLine(centiwatts: 9900, unixMilliseconds: 0, status: .stale))) == "99.0 W (stale)")
  }
}

@Suite("A terminal")
struct TerminalTests {
  @Test(
    "is drawn on as far as its environment says",
    arguments: [
      (["TERM": "xterm", "LANG": "C.UTF-8"], true, true, GraphCharacters.blocks),
      (["TERM": "xterm", "LANG": "de_DE.utf8", "NO_COLOR": "1"], true, false, .blocks),
      (["TERM": "xterm", "LANG": "C.UTF-8", "NO_COLOR": ""], true, true, .blocks),
      (["TERM": "xterm", "LC_ALL": "C", "LANG": "C.UTF-8"], true, true, .ascii),
      (["TERM": "xterm", "LC_ALL": "", "LC_CTYPE": "C.UTF-8", "LANG": "C"], true, true, .blocks),
      (["TERM": "linux", "LANG": "C.UTF-8"], true, true, .ascii), (["TERM": "xterm"], true, true, .ascii),
      (["TERM": "dumb", "LANG": "C.UTF-8"], false, false, .ascii),
      ([:], false, false, .ascii),
    ])
  func abilities(environment: [String: String], isScreen: Bool, hasColours: Bool, characters: GraphCharacters) {
    var expected = TerminalAbilities(isTerminal: true, environment: { environment[$0] })
    #expect(expected.isScreen == isScreen && expected.hasColours == hasColours && expected.characters == characters)
    expected = TerminalAbilities(isTerminal: false, environment: { environment[$0] })
    #expect(!expected.isScreen && !expected.hasColours && expected.characters == .ascii)
  }

  @Test("a frame fills every row from its first column, and erases nothing")
  func frame() {
    var line = StyledLine("ab", .warning)
    line.append("cdef")
    let lines = [line, StyledLine("x", .strong)]
    let size = ScreenSize(columns: 4, rows: 3)
    let plain = String(decoding: Frame.bytes(lines, size: size, colours: false), as: UTF8.self)
    #expect(plain == "\u{1B}[1;1Habcd\u{1B}[2;1H\u{1B}[1mx\u{1B}[0m   \u{1B}[3;1H    ")
    let coloured = String(decoding: Frame.bytes(lines, size: size, colours: true), as: UTF8.self)
    #expect(coloured.hasPrefix("\u{1B}[1;1H\u{1B}[1;33mab\u{1B}[0mcd\u{1B}[2;1H"))
    #expect(Frame.bytes(lines, size: ScreenSize(columns: -1, rows: -1), colours: true).isEmpty)
  }

  @Test(
    "keys are taken one by one; arrows and other sequences mean nothing",
    arguments: [
      ("q", [Key.quit]), ("+-=z", [.zoomIn, .zoomOut, .zoomIn, .zoomOut]), ("p d?", [.pause, .pause, .domains, .help]),
      ("\u{1B}[A\u{1B}OP\u{1B}[15~\u{1B}[1;5Dd", [.domains]), ("\u{1B}q", [.quit]), ("xyz1\n\t\u{7F}", [.zoomOut]),
      ("", []), ("\u{1B}[", []),
    ])
  func keys(text: String, expected: [Key]) {
    #expect(Key.keys(in: text.utf8) == expected)
  }
}
