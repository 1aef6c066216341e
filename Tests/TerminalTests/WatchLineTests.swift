import PowerProtocol
import Terminal
import Testing

private func history(_ watts: [Double]) -> History {
  var history = History()
  for watts in watts { history.add(watts) }
  return history
}

private func line(_ status: PowerLine.Status = .ok) -> PowerLine {
  PowerLine(centiwatts: 4250, unixMilliseconds: 0, status: status)
}

@Suite("The live line")
struct WatchLineTests {
  @Test(
    "shows as much as fits, the reading first",
    arguments: [
      (80, "42.5 W  ▁▅█  min 0.0  mean 25.0  max 50.0"),
      (44, "42.5 W  ▁▅█  min 0.0  mean 25.0  max 50.0"),
      (42, "42.5 W  min 0.0  mean 25.0  max 50.0"),
      (30, "42.5 W  ▁▅█"), (12, "42.5 W"), (5, "42.5"), (1, ""), (0, ""), (-3, ""),
    ])
  func widths(columns: Int, expected: String) {
    let text = WatchLine.live(line(), history([0, 25, 50]), columns: columns, characters: .blocks)
    #expect(text == expected)
  }

  @Test("never fills the last column, however long the history", arguments: [20, 40, 80, 200])
  func neverWraps(columns: Int) {
    let long = history((0..<1000).map { Double($0 % 90) })
    #expect(WatchLine.live(line(.simulated), long, columns: columns, characters: .ascii).count < columns)
  }

  @Test("says what kind of reading it is", arguments: [PowerLine.Status.simulated, .stale])
  func status(_ status: PowerLine.Status) {
    #expect(WatchLine.plain(line(status), history([42.5])).hasPrefix("42.5 W (\(status.rawValue))  min 42.5"))
    #expect(WatchLine.live(line(status), history([]), columns: 80, characters: .ascii) == "42.5 W (\(status.rawValue))")
  }

  @Test("is plain text in a pipe")
  func plain() {
    let text = WatchLine.plain(line(), history([40, 45]))
    #expect(text == "42.5 W  min 40.0  mean 42.5  max 45.0")
  }
}

@Suite("The history bar")
struct HistoryBarTests {
  @Test(
    "runs from 0 to the highest",
    arguments: [
      ([0, 50, 100], 10, "▁▅█"), ([7], 10, "█"), ([5, 5, 5], 10, "███"), ([0, 0], 10, "▁▁"), ([], 10, ""),
      ([1, 2, 3, 4], 2, "▆█"), ([1, 2], 0, ""), ([1], -1, ""),
    ] as [([Double], Int, String)])
  func drawing(watts: [Double], width: Int, expected: String) {
    #expect(HistoryBar.draw(watts, width: width, with: .blocks) == expected)
  }

  @Test(
    "uses blocks only where the locale has them; the first variable that is set decides",
    arguments: [
      (["LANG": "C.UTF-8"], "█"), (["LANG": "de_DE.utf8"], "█"), (["LANG": "C"], "#"), ([:], "#"),
      (["LC_ALL": "C", "LANG": "C.UTF-8"], "#"), (["LC_ALL": "", "LC_CTYPE": "C.UTF-8", "LANG": "C"], "█"),
    ])
  func locale(environment: [String: String], expected: String) {
    #expect(HistoryBar.draw([1], width: 1, with: .init(environment: environment)) == expected)
  }
}

@Suite("The history")
struct HistoryTests {
  @Test("keeps least, mean and most of all readings, and the latest ones to draw")
  func statistics() {
    var history = History(keeping: 2)
    #expect(history.isEmpty && history.mean == 0)
    for watts in [3.0, 1.0, 8.0] { history.add(watts) }
    #expect(history.least == 1 && history.most == 8 && history.mean == 4 && history.latest == [1, 8])
  }
}

@Test(
  "numbers are rounded to their places",
  arguments: [
    (42.55, 1, "42.6"), (0.04, 1, "0.0"), (-0.06, 1, "-0.1"), (1.005, 0, "1"), (3, 2, "3.00"), (7.05, 2, "7.05"),
    (.nan, 1, "nan"), (.infinity, 1, "inf"), (1e300, 1, "1e+300"),
  ])
func fixedNumbers(number: Double, places: Int, expected: String) {
  #expect(Numbers.fixed(number, places: places) == expected)
}
