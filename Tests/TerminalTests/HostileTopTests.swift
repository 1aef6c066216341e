import PowerProtocol
import RAPL
import TestSupport
import Testing

@testable import Attribution
@testable import Terminal

@Suite("The full screen of top with anything on it")
struct HostileTopTests {
  /// A character that might steer a terminal, or that is not one column wide.
  private static func scalar(_ generator: inout SeededGenerator) -> Unicode.Scalar {
    let ranges: [ClosedRange<UInt32>] = [
      0...0x20, 0x20...0x7E, 0x7F...0xA0, 0xA1...0x2FF, 0x300...0x36F, 0x483...0x489, 0x5D0...0x6FF, 0x1100...0x11FF,
      0x200B...0x206F, 0x2500...0x25FF, 0x4E00...0x4EFF, 0xE000...0xE010, 0xFE00...0xFE0F, 0xFF01...0xFF5E,
      0x1F300...0x1F6FF, 0xE0000...0xE007F,
    ]
    let range = ranges[Int.random(in: ranges.indices, using: &generator)]
    return Unicode.Scalar(UInt32.random(in: range, using: &generator)) ?? "?"
  }

  private static func text(_ length: ClosedRange<Int>, _ generator: inout SeededGenerator) -> String {
    let pieces = ["\u{1B}[2J", "\u{1B}]0;title\u{7}", "\u{9B}31m", "\r\n", "\u{1B}P", "e\u{301}"]
    var text = ""
    for _ in 0..<Int.random(in: length, using: &generator) {
      if Int.random(in: 0..<6, using: &generator) == 0 {
        text += pieces[Int.random(in: pieces.indices, using: &generator)]
      } else {
        text.unicodeScalars.append(scalar(&generator))
      }
    }
    return text
  }

  /// Whether a terminal shows each character of a text in one column, and does nothing else.
  private static func isPlain(_ text: String, _ characters: GraphCharacters) -> Bool {
    text.unicodeScalars.allSatisfy { scalar in
      switch scalar.value {
      case 0x20...0x7E: true
      // Letters that are one column wide, the graph's axis and its blocks.
      case 0xA1...0x2AF, 0x370...0x3FF, 0x400...0x482, 0x48A...0x52F, 0x2500...0x259F: characters == .blocks
      default: false
      }
    }
  }

  /// The printed watts and joules of all rows but the last, the total, and those of the total.
  private static func numbers(_ lines: [String]) -> (rows: [[Int]], total: [Int])? {
    let all = lines.compactMap { $0.firstMatch(of: #/^[> ] +(\d+\.\d\d) +(\d+\.\d\d) +(?:\d+\.\d %|-)  /#) }.map {
      match in
      [match.output.1, match.output.2].map { Int($0.replacing(".", with: "")) ?? -1 }
    }
    guard let total = all.last, lines.contains(where: { $0.contains(#/ %  total *$/#) }) else { return nil }
    return (Array(all.dropLast()), total)
  }

  private static func check(_ view: TopView, _ columns: Int, _ rows: Int) {
    for characters in [GraphCharacters.ascii, .blocks] {
      let lines = view.text(columns, rows, characters)
      #expect(lines.count <= rows && lines.allSatisfy { $0.unicodeScalars.count <= columns }, "\(columns)x\(rows)")
      #expect(lines.allSatisfy { isPlain($0, characters) }, "\(lines)")
      guard let numbers = numbers(lines) else { continue }
      for column in 0...1 {
        #expect(numbers.rows.reduce(0) { $0 + $1[column] } == numbers.total[column], "\(lines)")
      }
    }
  }

  @Test(
    "stays within the terminal, plain, and adds up, whatever names and keys", arguments: 1...6 as ClosedRange<UInt64>)
  func anything(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var ledger = EnergyLedger()
    var view = TopSamples.view([], windows: 0)
    for number in 0..<12 {
      let count = Int.random(in: 0...60, using: &generator)
      let processes = (0..<count).map { index in
        TopSamples.Process(
          pid: index + 1, name: Self.text(0...40, &generator),
          unit: Bool.random(using: &generator) ? Self.text(0...60, &generator) : nil,
          milliseconds: Int64.random(in: 0...300, using: &generator))
      }
      TopSamples.show(processes, number, &ledger, &view)
      for _ in 0..<3 {
        _ = view.type(
          Self.text(0...3, &generator)
            + ["", "/", "\r", "\u{1B}", "p", "n", "\u{1B}[F", "?"][Int.random(in: 0...7, using: &generator)])
        Self.check(view, Int.random(in: 1...200, using: &generator), Int.random(in: 1...60, using: &generator))
      }
      Self.check(view, 1, 1)
      Self.check(view, 100, 30)
    }
  }

  @Test("shows 5,000 processes on every screen, from the first to the last", arguments: [(1, 1), (80, 24), (300, 100)])
  func many(size: (columns: Int, rows: Int)) throws {
    let many = (1...5000).map {
      TopSamples.Process(pid: $0, name: "p\($0)", unit: "u\($0).service", milliseconds: Int64($0 % 7 + 1))
    }
    var view = TopSamples.view(many)
    Self.check(view, size.columns, size.rows)
    _ = view.type("\u{1B}[F")
    Self.check(view, size.columns, size.rows)
    _ = view.type("/p4999\r")
    Self.check(view, size.columns, size.rows)
    guard size.columns >= 80 else { return }
    let lines = view.text(size.columns, size.rows)
    #expect(lines.contains { $0.hasPrefix("> ") && $0.contains("p4999 (4999)") }, "\(lines)")
    let numbers = try #require(Self.numbers(lines))
    #expect(numbers.total == [1000, 3000] && lines.contains { $0.contains("4999 more rows") })
  }
}
