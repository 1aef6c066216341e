import PowerProtocol
import Testing

@testable import Attribution
@testable import Terminal

/// Tables of a machine whose processes are known.
enum TopSamples {
  /// A process, with its part of the CPUs.
  struct Process {
    var pid: Int
    var name: String
    var unit: String?
    var milliseconds: Int64
  }

  static let ordinary = [
    Process(pid: 10, name: "busy", unit: "a.service", milliseconds: 1400),
    Process(pid: 20, name: "bee", unit: "b.service", milliseconds: 420),
    Process(pid: 30, name: "ant", unit: nil, milliseconds: 180),
  ]

  /// A view after this many windows of 10 W.
  static func view(
    _ processes: [Process] = ordinary, windows: Int = 3, order: TopTable.Order = .watts,
    selection: TopSelection = TopSelection()
  ) -> TopView {
    var view = TopView(grouping: .process, order: order, selection: selection)
    view.model.apply(Samples.info())
    view.model.apply(.subscribed(Subscription(intervalSeconds: 1)))
    var ledger = EnergyLedger()
    for number in 0..<windows { show(processes, number, &ledger, &view) }
    return view
  }

  static func show(_ processes: [Process], _ number: Int, _ ledger: inout EnergyLedger, _ view: inout TopView) {
    let end = Int64(number + 2) * 1_000_000_000
    let window = EnergyWindow(
      end: end, unixSeconds: Samples.start + Double(number), seconds: 1, microjoules: 10_000_000, centiwatts: 1000,
      isLowerBound: false)
    func id(_ process: Process) -> RowID { .process(pid: process.pid, start: 0) }
    let usage = CPUUsage(
      start: end - 1_000_000_000, end: end,
      rows: Dictionary(uniqueKeysWithValues: processes.map { (id($0), $0.milliseconds * 1000) }),
      live: Dictionary(uniqueKeysWithValues: processes.map { (id($0), .init(name: $0.name, unit: $0.unit)) }))
    ledger.add(window, usage, cpus: 8)
    view.model.apply(.sample(Samples.small(at: Samples.start + Double(number), watts: 10)))
    view.show(TopTable(ledger, window, by: .watts) { "\($0)" })
  }
}

extension TopView {
  func text(_ columns: Int, _ rows: Int, _ characters: GraphCharacters = .blocks, now: Double? = nil) -> [String] {
    lines(
      size: ScreenSize(columns: columns, rows: rows), characters: characters,
      now: now ?? model.reading?.unixSeconds ?? Samples.start
    ).map(\.text)
  }

  mutating func type(_ text: String) -> Effect? {
    Stroke.strokes(in: text.utf8).map { press($0, now: Samples.start + 2) }.last ?? nil
  }

  /// The names of the rows of processes that are seen, in their order, and the selected one.
  func seen(_ columns: Int = 80, _ rows: Int = 24) -> (names: [String], selected: String?) {
    let rows = text(columns, rows).compactMap { line in
      line.firstMatch(of: #/^([> ]) +[\d.]+ +[\d.]+ +[\d.]+ %  (\S+) \(\d+\)/#).map {
        (String($0.output.2), $0.output.1 == ">")
      }
    }
    return (rows.map(\.0), rows.first(where: \.1)?.0)
  }
}

@Suite("The full screen of top")
struct TopViewTests {
  @Test("fills 80x24 with the rows, what adds up with them, and the selected row's watts")
  func standard() {
    let text = TopSamples.view().text(80, 24)
    #expect(text.count == 24)
    #expect(text[0].hasPrefix("10.00 W   CPU package, mean of 1 s"))
    #expect(text[1] == "Who draws it, by process: an estimate by CPU time. Joules of the last 3 s.")
    let rows = text[2...8].map { String($0.reversed().drop { $0 == " " }.reversed()) }
    #expect(
      rows.joined(separator: "\n") == """
              watts     joules      CPU  name
        >      3.50      10.50  140.0 %  busy (10)  a.service
               1.05       3.15   42.0 %  bee (20)  b.service
               0.45       1.35   18.0 %  ant (30)
               0.00       0.00    0.0 %  not attributed: interrupts, and whatever else i
               5.00      15.00        -  idle: not known yet (a guess), at most 10.00 W
              10.00      30.00  200.0 %  total
        """)
    let blank = String(repeating: " ", count: 72)
    #expect(
      text[18...22] == [
        "busy (10)  a.service   the last 3 s, at most 3.50 W", "4 W ┤\(blank)▄▄▄", "    │\(blank)███",
        "2 W ┤\(blank)███",
        "    │\(blank)███",
      ])
    #expect(text[23] == "q quit   w j c n sort   b rows   / filter   p pause   ? help")
  }

  @Test("adds up on every screen, whatever fits", arguments: [(80, 24), (200, 50), (80, 12), (60, 15)], [0, 7, 39])
  func sums(size: (Int, Int), down: Int) throws {
    let many = (1...40).map {
      TopSamples.Process(pid: $0, name: "p\($0)", unit: nil, milliseconds: Int64($0 * 7 + 3))
    }
    var view = TopSamples.view(many)
    for _ in 0..<down { _ = view.press(.down, now: 0) }
    let lines = view.text(size.0, size.1)
    let numbers = lines.compactMap { $0.firstMatch(of: #/^[> ] +(\d+\.\d\d) +(\d+\.\d\d) /#) }.map {
      (Int((Double($0.output.1)! * 100).rounded()), Int((Double($0.output.2)! * 100).rounded()))
    }
    let total = try #require(numbers.last)
    #expect(total == (1000, 3000))
    #expect(numbers.dropLast().reduce(0) { $0 + $1.0 } == total.0, "\(lines)")
    #expect(numbers.dropLast().reduce(0) { $0 + $1.1 } == total.1, "\(lines)")
    #expect(view.seen(size.0, size.1).selected == "p\(40 - down)", "\(lines)")
    if size.1 < 50 { #expect(lines.contains { $0.contains(" more row") }) }
  }

  @Test(
    "is sorted by its keys",
    arguments: [
      ("w", ["busy", "bee", "ant"]), ("j", ["busy", "bee", "ant"]), ("c", ["busy", "bee", "ant"]),
      ("n", ["ant", "bee", "busy"]), ("nw", ["busy", "bee", "ant"]),
    ])
  func sorting(keys: String, expected: [String]) {
    var view = TopSamples.view()
    #expect(view.type(keys) == nil)
    #expect(view.seen().names == expected)
  }

  @Test("selects by arrows, and keeps the row when it moves, or the place when it ends")
  func selecting() {
    var view = TopSamples.view()
    #expect(view.seen().selected == "busy")
    _ = view.type("\u{1B}[B")
    #expect(view.seen().selected == "bee")
    _ = view.type("n")
    #expect(view.seen().selected == "bee")
    _ = view.type("w\u{1B}[B\u{1B}[B\u{1B}[B")
    #expect(view.seen().selected == "ant")
    _ = view.type("\u{1B}[5~")
    #expect(view.seen().selected == "busy")
    _ = view.type("\u{1B}[F")
    #expect(view.seen().selected == "ant")
    var ledger = EnergyLedger()
    TopSamples.show(Array(TopSamples.ordinary.prefix(2)), 3, &ledger, &view)
    #expect(view.seen().selected == "bee")
    _ = view.type("\u{1B}[H")
    #expect(view.seen().selected == "busy")
  }

  @Test(
    "filters by name, number and unit, in rows that still add up",
    arguments: [
      ("/BEE\r", ["bee"]), ("/30\r", ["ant"]), ("/.service\r", ["busy", "bee"]),
      ("/xx\u{7F}\u{7F}a\r", ["busy", "ant"]),
    ])
  func filtering(keys: String, expected: [String]) {
    var view = TopSamples.view()
    _ = view.type(keys)
    #expect(view.seen().names == expected, "\(view.text(80, 24))")
    #expect(view.text(80, 24)[23].hasPrefix("filter: "))
    #expect(view.text(80, 24).contains { $0.contains("  total") && $0.contains(" 10.00 ") })
    _ = view.type("\u{1B}")
    #expect(view.seen().names.count == 3 && view.text(80, 24)[23].hasPrefix("q quit"))
  }

  @Test("takes every character for a filter while one is typed")
  func typing() {
    var view = TopSamples.view()
    #expect(view.type("/qpb") == nil)
    #expect(view.text(80, 24)[23] == "/qpb_   Enter keeps the filter, Esc clears it")
    #expect(view.text(80, 24).contains("No row has the filter's text."))
    #expect(view.type(String(repeating: "x", count: 500)) == nil)
    #expect(view.text(200, 24)[23].hasPrefix("/qpbxxx") && view.text(200, 24)[23].count < 160)
    #expect(view.type("\rq") == .quit)
  }

  @Test("stands still in a pause, and has lost nothing after it")
  func pausing() {
    var view = TopSamples.view()
    _ = view.type("p")
    let paused = view.text(80, 24)
    #expect(paused[23].hasPrefix("PAUSED   q quit"))
    var ledger = EnergyLedger()
    TopSamples.show(Array(TopSamples.ordinary.prefix(1)), 3, &ledger, &view)
    #expect(view.text(80, 24) == paused)
    _ = view.type("\u{1B}[B")
    #expect(view.seen().selected == "bee")
    _ = view.type(" ")
    #expect(view.seen().names == ["busy"])
    #expect(view.text(80, 24)[18].contains("the last 4 s"))
  }

  @Test("asks for other rows, and begins anew with them; a refusal is said until the next key")
  func regrouping() {
    var view = TopSamples.view()
    #expect(view.type("b") == .regroup(.unit))
    view.refuse("There are no cgroups.")
    #expect(view.text(80, 24)[2] == "There are no cgroups.")
    #expect(view.type("b") == .regroup(.unit))
    view.regroup(to: .unit, note: "A note.")
    #expect(view.text(80, 24)[1].hasPrefix("Who draws it, by unit: an estimate"))
    #expect(view.text(80, 24)[2...3] == ["A note.", "Waiting for the second reading."])
    #expect(view.type("b") == .regroup(.container))
    var only = TopSamples.view(selection: TopSelection(pids: [20]))
    #expect(only.type("b") == nil)
    #expect(only.seen().names == ["bee"])
    only = TopSamples.view(selection: TopSelection(units: ["gone.service"]))
    #expect(only.text(80, 24).contains("Nothing runs now that --pid or --unit names."))
  }

  @Test("says what a key does, and that it is an estimate, on every screen with room", arguments: [20, 40, 80, 200])
  func help(columns: Int) {
    var view = TopSamples.view()
    #expect(view.text(columns, 24)[1].lowercased().contains("estimate"))
    _ = view.type("?")
    if columns >= 80 { #expect(view.text(columns, 24).contains { $0.contains("pause or continue") }) }
    _ = view.type("\u{1B}")
    #expect(!view.text(columns, 24).contains { $0.contains("pause or continue") })
  }

  @Test("keeps within every terminal, and lets no name steer it", arguments: [0, 1, 2, 5, 11, 12, 22, 33, 80, 300])
  func everySize(columns: Int) {
    let wild =
      TopSamples.ordinary + [
        .init(pid: 40, name: String(repeating: "\u{1B}[2J\n\u{202E}漢字é", count: 50), unit: "\u{9B}", milliseconds: 400)
      ]
    for keys in ["", "?", "/漢\u{1B}[31m", "p\u{1B}[F"] {
      var view = TopSamples.view(wild)
      _ = view.type(keys)
      for rows in 0...30 {
        for characters in [GraphCharacters.ascii, .blocks] {
          let text = view.text(columns, rows, characters)
          #expect(text.count <= rows && text.allSatisfy { $0.count <= columns })
          #expect(text.joined().unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0xA0).contains($0.value) })
          #expect(!text.joined().contains { "漢\u{202E}".contains($0) })
          if characters == .ascii { #expect(text.joined().utf8.allSatisfy { 0x20...0x7E ~= $0 }) }
        }
      }
    }
    #expect(TopSamples.view(windows: 0).text(columns, 24).allSatisfy { $0.count <= columns })
  }

  @Test("shows a row's watts from its beginning, and gaps as gaps")
  func graph() {
    var view = TopView(grouping: .process, order: .watts)
    var ledger = EnergyLedger()
    let (first, second) = (TopSamples.ordinary[0], TopSamples.ordinary[1])
    TopSamples.show([first], 0, &ledger, &view)
    view.skip()
    view.skip()
    TopSamples.show([first, second], 1, &ledger, &view)
    var idle = second
    idle.milliseconds = 0
    TopSamples.show([first, idle], 2, &ledger, &view)
    let series = view.content.series
    func columns(_ pid: Int) -> [Bool?] {
      series.columns(of: .process(pid: pid, start: 0), count: 5).map { $0.map { $0.watts > 0 } }
    }
    #expect(columns(10) == [nil, true, nil, true, true])
    #expect(columns(20) == [nil, nil, nil, true, false])
    #expect(columns(99) == [nil, nil, nil, nil, nil])
    #expect(series.seconds(ofLatest: 2) == 2 && series.columns(of: .outside, count: 0).isEmpty)
    for number in 3..<400 { TopSamples.show([first], number, &ledger, &view) }
    #expect(view.content.series.columns(of: .process(pid: 10, start: 0), count: 400).compactMap(\.self).count == 300)
  }

  @Test(
    "what was typed is taken key by key",
    arguments: [
      ("a\u{1B}[Ab", [Stroke.character("a"), .up, .character("b")]), ("\u{1B}OB\u{1B}[6~", [.down, .pageDown]),
      ("\u{1B}", [.escape]), ("\r\n\u{8}\u{7F}", [.enter, .enter, .backspace, .backspace]), ("é", [.character("é")]),
      ("\u{1B}[15~\u{1B}[1;5D\u{1}\u{1B}[", []), ("\u{1B}[1~\u{1B}[4~", [.home, .end]),
    ])
  func strokes(text: String, expected: [Stroke]) { #expect(Stroke.strokes(in: text.utf8) == expected) }

  @Test(
    "a key whose bytes are not all there is waited for",
    arguments: [
      ("", false), ("a", false), ("\u{1B}", true), ("a\u{1B}[", true), ("\u{1B}[1;5", true), ("\u{1B}O", true),
      ("\u{1B}[A", false), ("\u{1B}OA", false), ("\u{1B}[6~", false), ("\u{1B}x", false), ("\u{1B}[A\u{1B}", true),
      ("aé漢😀", false),
    ])
  func cut(text: String, isCut: Bool) {
    #expect(Stroke.isCut(Array(text.utf8)) == isCut)
    for character in ["é", "漢", "😀"] {
      for count in 1..<character.utf8.count {
        #expect(Stroke.isCut(Array((text + character).utf8.prefix(text.utf8.count + count))))
      }
    }
  }
}
