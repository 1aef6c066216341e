import PowerProtocol
import Testing

@testable import Terminal

@Suite("What the live view says of its numbers")
struct HonestyTests {
  @Test("nothing is shown before anything was measured")
  func waiting() {
    let text = Samples.view([]).text(80, 24)
    #expect(text[0] == "- W" && text[1] == "Waiting for the first reading.")
    #expect(!text.joined().contains { $0 == "█" || $0 == "▁" })
  }

  @Test("a simulated reading is never seen without the word", arguments: [80, 20, 15, 9])
  func simulated(columns: Int) {
    let view = Samples.view([
      Samples.info(isSimulated: true), .sample(Samples.small(status: .simulated)),
    ])
    let first = view.text(columns, 24)[0]
    #expect(first.contains("simulated"))
    if columns >= 20 { #expect(first.hasPrefix("42.50 W")) }
    #expect(view.text(80, 24)[1] == "Simulated: these watts are invented.")
    #expect(!view.text(8, 1)[0].contains("4"))
  }

  @Test("a stale reading has its age and its reason, and the graph a gap that grows")
  func stale() {
    let reason = "Package 0 cannot be read: /dev/cpu/0/msr gives Input/output error for register 0x611."
    let view = Samples.view([
      Samples.saw, .subscribed(Subscription(intervalSeconds: 1)), .sample(Samples.small(watts: 50)),
      .sample(Samples.small(watts: 50, status: .stale)),
      .sample(Samples.report(watts: 50, status: .stale, reason: reason)),
    ])
    let text = view.text(80, 24, now: 1012)
    #expect(text[0].hasPrefix("50.00 W (stale, 12 s old)"))
    #expect(text[1].hasPrefix("Stale: the last good reading is 12 s old. Package 0 cannot be read:"))
    #expect(text[2] == "/dev/cpu/0/msr gives Input/output error for register 0x611.")
    #expect(text[3].hasPrefix("62 s of the last 74 s   min 20.00"))
    #expect(text.last { $0.contains("│") }?.hasSuffix("█            ") == true)
    #expect(view.text(16, 4, now: 1012)[0] == "50.00 W (stale)")
  }

  @Test("a service that has gone is said to be gone, and one that is silent to be late")
  func gone() {
    var view = Samples.view([.subscribed(Subscription(intervalSeconds: 1)), .sample(Samples.small())])
    #expect(view.text(80, 24, now: 1003)[0].hasPrefix("42.50 W   CPU package"))
    #expect(view.text(80, 24, now: 1005)[0].hasPrefix("42.50 W (late, 5 s old)"))
    #expect(view.text(80, 24, now: 1005)[1] == "No reading for 5 s.")
    view.model.lost("The service has ended or is restarting.")
    let text = view.text(80, 24, now: 1002)
    #expect(text[0].hasPrefix("42.50 W (no service, 2 s old)"))
    #expect(text[1].contains("ended"))
    // The error names a path that may hold anything.
    view.model.lost("No service answers at /\u{1B}[2J.")
    #expect(view.text(80, 24, now: 1002)[1] == "No service answers at /?[2J. Trying to connect every second.")
    view.model.connected()
    view.apply(.sample(Samples.small(at: 1010, watts: 40)))
    #expect(view.text(80, 24, now: 1010)[0].hasPrefix("40.00 W   CPU package"))
  }

  @Test("time asleep, peaks and gaps look different from what was measured, and are explained")
  func signs() {
    let rows = [
      Samples.row(940, seconds: 10, 30, isAsleep: true), Samples.row(980, seconds: 30, 20, least: 10, most: 40),
      Samples.row(999, seconds: 5, 40),
    ]
    let view = Samples.view([
      .history(HistoryReport(seconds: 900, rows: rows)), .subscribed(Subscription(intervalSeconds: 1)),
      .sample(Samples.small(watts: 40)),
    ])
    let text = view.text(80, 24)
    #expect(
      text[10].hasSuffix("    " + String(repeating: "░", count: 30) + String(repeating: " ", count: 14) + "██████"))
    #expect(text[18].contains("▒▒▒▒▒▒▒▒▒▒          ███"))
    #expect(text[23].hasSuffix("▒ asleep: average   ░ peaks"))
    #expect(text[1].hasPrefix("46 s of the last 74 s   min 10.00   mean 24.78   max 40.00 W   1140.00 J"))
  }

  @Test("a measured nothing is seen, unlike nothing measured")
  func zero() {
    let view = Samples.view([.subscribed(Subscription(intervalSeconds: 1)), .sample(Samples.small(watts: 0))])
    let text = view.text(80, 24)
    #expect(text[0].hasPrefix("0.00 W   CPU package"))
    #expect(text.contains { $0.hasSuffix(" ▁") })
    #expect(text[1].hasPrefix("1 s of the last 7"))
  }

  @Test("a service of version 1 gives watts over the time between its lines, and nothing else")
  func version1() {
    var view = Samples.view([.refused(Refusal(code: "unknown_request", message: "none"))])
    func line(_ seconds: Int64) -> Answer {
      .line(PowerLine(centiwatts: 4250, unixMilliseconds: seconds * 1000, status: .ok))
    }
    view.apply(line(990))
    #expect(view.model.timeline.last == nil)
    for seconds: Int64 in [992, 994, 999] { view.apply(line(seconds)) }
    let rows = view.model.timeline.rows(after: 0)
    // Lines were lost before the last one.
    #expect(rows.map(\.unixSeconds) == [992, 994, 999] && rows.map(\.seconds) == [2, 2, 2])
    let text = view.text(80, 24, now: 999)
    #expect(text[0] == "42.50 W   all CPU packages")
    #expect(text[1].hasPrefix("The service is older than this program"))
    #expect(!text.joined().contains(" J"))
    // The time between two services is nobody's.
    view.model.connected()
    view.apply(line(2000))
    #expect(view.model.timeline.last?.unixSeconds == 999)
  }

  @Test("what a service says cannot steer the terminal")
  func escapes() {
    let view = Samples.view([
      .sample(Samples.report(status: .stale, reason: "\u{1B}[31m\u{9B}2J\u{7}\u{202E}evil\n\u{E9}"))
    ])
    let size = ScreenSize(columns: 80, rows: 24)
    let lines = view.lines(size: size, characters: .ascii, now: Samples.start)
    #expect(lines.allSatisfy { $0.text.unicodeScalars.allSatisfy { " "..."~" ~= $0 } })
    #expect(lines[1].text.hasSuffix("?[31m?2J??evil??"))
  }
}
