import PowerProtocol
import Testing

@testable import Terminal

private let live: [Answer] = [
  Samples.info(), Samples.saw, .subscribed(Subscription(intervalSeconds: 1)), .sample(Samples.report()),
]

@Suite("The live view")
struct LiveViewTests {
  @Test("fills 80x24 with the reading, the graph, and each package and domain beside what it is no part of")
  func standard() {
    #expect(
      Samples.view(live).text(80, 24).joined(separator: "\n") == """
        59.75 W   2 CPU packages, mean of 1 s                                 A CPU, msr
        last 74 s   min 20.00   mean 40.89   max 59.75 W   3025.75 J
             │                             ▁▃▄▅▇                                   ▁▃▄▅█
             │                       ▁▃▄▅▇██████                             ▁▃▄▅▇██████
        48 W ┤                 ▁▃▄▅▇████████████                       ▁▃▄▅▇████████████
             │           ▁▃▄▅▇██████████████████                 ▁▃▄▅▇██████████████████
             │     ▁▃▄▅▇████████████████████████           ▁▃▄▅▇████████████████████████
             │▃▄▅▇██████████████████████████████     ▁▃▄▅▇██████████████████████████████
        24 W ┤██████████████████████████████████▃▄▅▇████████████████████████████████████
             │██████████████████████████████████████████████████████████████████████████
             │██████████████████████████████████████████████████████████████████████████
             │██████████████████████████████████████████████████████████████████████████
         0 W └─────────────┴──────────────┴──────────────┴──────────────┴──────────────┴
                       -60 s          -45 s          -30 s          -15 s            now
                            now     since start   >= at least: not all was counted
        total           59.75 W     >= 12.35 kJ   the sum of the 2 packages
        package 0       42.50 W       8781.42 J
          core          29.75 W       6147.00 J   part of package 0
          uncore         unread       >= 3.00 J   part of package 0
          DRAM           3.10 W        640.00 J   memory: not part of the package
          psys          70.00 W        14.00 kJ   the whole platform: not in the total
        package 1       17.25 W    >= 3564.25 J
          core          12.00 W       2400.00 J   part of package 1
        q quit   + - zoom   p pause   d domains   ? help
        """)
  }

  @Test("gives a large terminal's room to the graph")
  func large() {
    let text = Samples.view(live).text(200, 50)
    #expect(text.count == 50)
    #expect(text[0].hasPrefix("59.75 W   2 CPU packages") && text[0].hasSuffix("A CPU, msr"))
    #expect(text.filter { $0.contains("│") || $0.contains("┤") }.count == 36)
    #expect(text[39].hasSuffix(" -30 s                           now"))
    #expect(text[49] == "q quit   + - zoom   p pause   d domains   ? help")
  }

  @Test("needs nothing but ASCII where there is nothing more")
  func ascii() {
    let text = Samples.view(live).text(60, 14, .ascii)
    #expect(
      text.joined(separator: "\n") == """
        59.75 W   2 CPU packages, mean of 1 s             A CPU, msr
        last 54 s   min 20.00   mean 42.88   max 59.75 W   2315.75 J
             |       ....:::                                 ....:::
        50 W +::############                    ....::::############
             |##############        ....::::########################
        25 W +##############:::#####################################
             |######################################################
         0 W +--------+--------------+--------------+--------------+
                  -45 s          -30 s          -15 s            now
                            now     since start
        total           59.75 W     >= 12.35 kJ
        package 0       42.50 W       8781.42 J
        package 1       17.25 W    >= 3564.25 J
        q quit   + - zoom   p pause   d domains   ? help
        """)
    for (columns, rows) in [(80, 24), (200, 50), (33, 9)] {
      #expect(Samples.view(live).text(columns, rows, .ascii).allSatisfy { $0.utf8.allSatisfy { 0x20...0x7E ~= $0 } })
    }
  }

  @Test("leaves away what does not fit, and never cuts a number")
  func small() {
    let view = Samples.view([Samples.info(), Samples.saw, .sample(Samples.small())])
    #expect(
      view.text(20, 5, .ascii) == [
        "42.50 W   A CPU, msr", "", "    ......:::::::## ", "####################", "####################",
      ])
    #expect(view.text(7, 1) == ["42.50 W"])
    #expect(view.text(6, 1) == ["42.5 W"])
    #expect(view.text(5, 1) == ["43 W"])
    #expect(view.text(3, 1) == ["43W"])
    #expect(view.text(2, 1) == [""])
    #expect(view.text(0, 5) == [] && view.text(5, 0) == [])
  }

  @Test("keeps within every terminal, whatever a service says", arguments: [0, 1, 2, 5, 9, 30, 79, 80, 300])
  func everySize(columns: Int) {
    var wild = Samples.report(watts: 1e300, status: .stale, reason: String(repeating: "word ", count: 300))
    wild.windowSeconds = -1
    wild.unixSeconds = -1e300
    var odd = Samples.report(at: 1e300)
    odd.windowSeconds = 1e300
    let rows = [
      Samples.row(1000, seconds: 0, 1), Samples.row(1000, seconds: 1e18, 1), Samples.row(1001, 1e14, most: 0),
      Samples.row(1e300, 1), Samples.row(1003, seconds: 1e-9, 1), Samples.row(1002, seconds: 900, -1),
    ]
    let views = [
      Samples.view([]), Samples.view(live), Samples.view([.sample(wild)]), Samples.view(live + [.sample(odd)]),
      Samples.view([Samples.info(interval: 0)]),
      Samples.view(live + [.subscribed(Subscription(intervalSeconds: 1e300))]),
      Samples.view([.history(HistoryReport(seconds: 1, rows: rows)), .sample(Samples.small())]),
    ]
    for view in views {
      for keys in [[], [.help], [.pause, .zoomOut, .domains], [Key](repeating: .zoomOut, count: 30)] {
        var view = view
        for key in keys { view.press(key, now: Samples.start) }
        for rows in [0, 1, 2, 3, 4, 5, 6, 8, 12, 24, 60] {
          for now in [Samples.start, -1e9, 1e12] {
            let text = view.text(columns, rows, now: now)
            #expect(text.count <= rows && text.allSatisfy { $0.count <= columns })
          }
        }
      }
    }
  }

  @Test("pauses with what was known, and goes on with all that came meanwhile")
  func pause() {
    var view = Samples.view(live)
    view.press(.pause, now: Samples.start)
    view.apply(.sample(Samples.report(at: 1001, watts: 11)))
    let paused = view.text(80, 24, now: 1030)
    #expect(paused[0].hasPrefix("59.75 W   "))
    #expect(paused[13].hasSuffix("paused") && paused[23].hasPrefix("PAUSED   q quit"))
    view.press(.pause, now: 1001)
    #expect(view.text(80, 24, now: 1001)[0].hasPrefix("11.00 W   "))
    #expect(view.text(80, 24, now: 1001)[2].hasSuffix("▁▃▄▅█ "))
  }

  @Test("zooms out to a day and back in to single samples")
  func zoom() {
    var view = Samples.view(live)
    var seen: [String] = []
    for _ in 0..<20 {
      seen.append(String(view.text(80, 24)[1].prefix { $0 != "W" }))
      view.press(.zoomOut, now: Samples.start)
    }
    #expect(seen[0].hasPrefix("last 74 s ") && seen[1].hasPrefix("90 s of the last 2 min 28 s "))
    #expect(seen[19].hasPrefix("90 s of the last 24 h 40 min "))
    for _ in 0..<20 { view.press(.zoomIn, now: Samples.start) }
    #expect(view.text(80, 24)[1].hasPrefix("last 74 s "))
  }

  @Test("shows packages only where domains are not wanted")
  func domains() {
    var view = Samples.view(live)
    view.press(.domains, now: Samples.start)
    let text = view.text(80, 24)
    #expect(!text.contains { $0.contains("core") || $0.contains("DRAM") })
    #expect(text[20].hasPrefix("total") && text[22].hasPrefix("package 1"))
  }

  @Test("explains itself")
  func help() {
    var view = Samples.view(live)
    view.press(.help, now: Samples.start)
    let text = view.text(80, 24).joined(separator: "\n")
    for part in [
      "pause or continue", "nothing was measured", "pkg-watt-stat 0.2.0, source msr",
      "access   everyone's: averages over 0.25 s or more", "rejected 2 implausible readings, since the service's start",
      "s of CPU time for the service, since its start",
    ] {
      #expect(text.contains(part))
    }
    view.press(.help, now: Samples.start)
    #expect(view.text(80, 24) == Samples.view(live).text(80, 24))
  }
}
