import PowerProtocol
import Testing

@testable import Terminal

private func ends(_ timeline: Timeline) -> [Double] { timeline.rows(after: 0).map(\.unixSeconds) }

@Suite("The timeline")
struct TimelineTests {
  @Test("puts seconds in the place of minutes, and splits none")
  func merge() {
    var timeline = Timeline()
    timeline.merge([
      Samples.row(60, seconds: 60, 5), Samples.row(120, seconds: 60, 6), Samples.row(180, seconds: 60, 7),
    ])
    timeline.merge((80...200).map { Samples.row(Double($0), 8) })
    // The minute up to 120 began before the first of the seconds.
    #expect(ends(timeline) == [60, 120] + (121...200).map(Double.init))
  }

  @Test("keeps what was seen when another service knows less")
  func restart() {
    var timeline = Timeline()
    for second in 1...50 { timeline.append(Samples.row(Double(second), 5)) }
    timeline.merge([])
    timeline.merge([Samples.row(61, 7)])
    #expect(ends(timeline) == (1...50).map(Double.init) + [61])
  }

  @Test("a sample takes the place of what lies within it, and of nothing else")
  func append() {
    var timeline = Timeline()
    for second in 1...10 { timeline.append(Samples.row(Double(second), 5)) }
    timeline.append(Samples.row(12, seconds: 5, 7))
    #expect(ends(timeline) == [1, 2, 3, 4, 5, 6, 7, 12])
    // Half of it is known already.
    timeline.append(Samples.row(13, seconds: 2, 9))
    #expect(timeline.last?.unixSeconds == 12)
    // A clock that was set back.
    timeline.append(Samples.row(4, 9))
    #expect(ends(timeline) == [1, 2, 3, 4])
    #expect(timeline.last?.watts == 9)
  }

  @Test("makes minutes of what is old, and keeps a day of them", arguments: [1.0, 0.01])
  func memory(seconds: Double) {
    var timeline = Timeline()
    let count = 100_000
    for number in 1...count { timeline.append(Samples.row(Double(number) * seconds, seconds: seconds, 5)) }
    let rows = timeline.rows(after: -1)
    #expect(rows.count <= Timeline.mostFine + 1500)
    #expect(rows.last?.unixSeconds == Double(count) * seconds)
    let kept = rows.reduce(0) { $0 + $1.seconds }
    #expect(abs(kept - min(Double(count) * seconds, 86_400)) <= 120)
    #expect(abs(rows.reduce(0) { $0 + $1.joules } - kept * 5) < 1e-3)
    for (one, next) in zip(rows, rows.dropFirst()) { #expect(next.start >= one.unixSeconds - 1e-6) }
  }

  @Test("sums up means by their time, and energy as it was counted")
  func span() throws {
    let rows = [Samples.row(10, seconds: 10, 30), Samples.row(40, seconds: 30, 10, least: 2, most: 50, isAsleep: true)]
    let span = try #require(GraphSpan(rows))
    #expect(span.meanWatts == 15 && span.leastWatts == 2 && span.mostWatts == 50 && span.joules == 600)
    #expect(span.measuredSeconds == 40 && span.hasAsleep)
    #expect(GraphSpan([]) == nil)
  }
}

@Suite("The graph's columns")
struct GraphColumnTests {
  private func columns(_ rows: [HistoryReport.Row], count: Int = 4, seconds: Double = 1, end: Double = 4) -> [Double?] {
    let scale = TimeScale(columns: count, columnSeconds: seconds, anchor: end, latest: end)
    return GraphColumn.columns(rows, scale).map { $0?.watts }
  }

  @Test("each stands for the mean of its own time; what nobody measured stays empty")
  func means() {
    #expect(columns([Samples.row(1, 5), Samples.row(2, 6), Samples.row(4, 8)]) == [5, 6, nil, 8])
    #expect(columns([Samples.row(4, seconds: 3, 9)]) == [nil, 9, 9, 9])
    #expect(columns([Samples.row(1, 4), Samples.row(2, 8), Samples.row(4, 1)], seconds: 2) == [nil, nil, 6, 1])
    #expect(columns([Samples.row(90, 4), Samples.row(-90, 4)]) == [nil, nil, nil, nil])
  }

  @Test("a stamp that is a little late moves nothing")
  func jitter() {
    let rows = (1...4).map { Samples.row(Double($0) + 0.004, Double($0)) }
    let scale = TimeScale(columns: 4, columnSeconds: 1, anchor: 100, latest: 4.004)
    let drawn = GraphColumn.columns(rows, scale).map { ($0?.watts ?? -1).rounded() }
    #expect(drawn == [1, 2, 3, 4])
    #expect(GraphColumn.columns(rows, scale).map { $0?.mostWatts } == [1, 2, 3, 4])
  }

  @Test("columns keep their place while time goes on")
  func anchored() {
    let scales = [10.0, 10.4, 13, 20].map { TimeScale(columns: 3, columnSeconds: 5, anchor: 10, latest: $0) }
    #expect(scales.map(\.end) == [10, 10, 15, 20])
  }
}

@Suite("The graph's scales")
struct ScaleTests {
  @Test("watts have round labels, and room for the most without wasting half of it")
  func watts() {
    for rows in [1, 3, 9, 24, 47] {
      for most in [0, 0.3, 5, 31, 59.9, 61.7, 99, 100, 101, 2500, 1e6] {
        let scale = WattScale(holding: most, rows: rows)
        #expect(scale.top >= most * 0.999 && (most < 1 || scale.top <= most * 1.34))
        #expect((0...rows).compactMap { scale.label(ofRow: $0)?.count }.allSatisfy { $0 <= 9 })
      }
    }
    let scale = WattScale(holding: 61.7, rows: 13)
    #expect((0...13).compactMap(scale.label) == ["0 W", "20 W", "40 W", "60 W"])
  }

  @Test(
    "time has labels that people like to read",
    arguments: [
      (1.0, 30, "-15 s            now"), (60, 30, "-15 min            now"), (300, 30, "-1 h         now"),
      (1200, 40, "-8 h        -4 h         now"), (0.25, 30, "-5 s                 now"),
      (7, 20, "-84 s         now"),
    ])
  func time(seconds: Double, columns: Int, expected: String) {
    let scale = TimeScale(columns: columns, columnSeconds: seconds, anchor: 0, latest: 0)
    let (line, labels) = TimeAxis.lines(scale, now: "now", characters: .blocks)
    #expect(labels.hasSuffix(expected) && labels.count == columns && line.count == columns)
  }
}
