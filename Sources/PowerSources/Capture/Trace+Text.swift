internal import Formatting

/// A trace as text, in a third of the space of single readings:
///
///     trace 1
///     clocks MONOTONIC BOOTTIME REALTIME
///     register CPU ADDRESS
///     FIRST LAST READS VALUE
///     zone FOLDER
///     FIRST LAST READS error ERRNO
///     end NANOSECONDS
///
/// Times are nanoseconds since the start; values and addresses are hexadecimal.
extension Trace {
  /// The name of its file in a capture.
  package static let file = "trace"
  /// The greatest size of a trace: more than this program ever writes.
  package static let mostBytes = 64 << 20
  /// The greatest length of a trace, in nanoseconds: an hour.
  private static let longest: Int64 = 3_600_000_000_000
  /// The longest time between readings of the counter that is read most often, in nanoseconds. This program reads it every few
  /// milliseconds, even among hundreds. A replay waits this long between two readings.
  private static let longestPeriod: Int64 = 50_000_000
  private static let header = "trace 1"

  /// The text.
  package var text: String {
    var text = "\(Self.header)\nclocks \(clocks.map { "\($0)" }.joined(separator: " "))\n"
    for track in tracks {
      switch track.counter {
      case .register(let register): text += "register \(register.cpu) \(hexadecimal(register.address))\n"
      case .zone(let folder): text += "zone \(folder)\n"
      }
      for run in track.runs {
        let reading =
          switch run.reading {
          case .value(let value): hexadecimal(value)
          case .failed(let errno): "error \(errno)"
          }
        text += "\(run.first) \(run.last) \(run.reads) \(reading)\n"
      }
    }
    return text + "end \(nanoseconds)\n"
  }

  /// Reads the text of a trace.
  package init(_ text: String) throws(TraceError) {
    let newline = UInt8(ascii: "\n")
    var number = 0
    // Line by line, because a text from outside may have millions of lines.
    var rest = text.utf8[...]
    func next() -> Substring.UTF8View {
      number += 1
      let line = rest.prefix { $0 != newline }
      rest = rest.dropFirst(line.count + 1)
      return line
    }
    guard next().elementsEqual(Self.header.utf8) else { throw .noTrace }
    // Nothing may follow the last line.
    guard rest.last == newline, let cut = rest.dropLast().lastIndex(of: newline) ?? rest.indices.first,
      case .end(let end)? = Line(rest[cut...].drop { $0 == newline }.prefix { $0 != newline })
    else { throw .cutOff }
    guard 0...Self.longest ~= end else { throw .malformed(line: text.utf8.count { $0 == newline }) }
    guard case .clocks(let clocks)? = Line(next()) else { throw .malformed(line: 2) }
    self.init(clocks: clocks, tracks: [], nanoseconds: end)
    var seen: Set<Counter> = []
    while rest.startIndex <= cut {
      switch Line(next()) {
      case .counter(let counter)?:
        guard seen.insert(counter).inserted else { throw .twice(line: number) }
        tracks.append(Track(counter))
      case .run(let run)?:
        guard let track = tracks.indices.last, run.last <= end else { throw .malformed(line: number) }
        guard run.first <= run.last, run.first > tracks[track].runs.last?.last ?? -1 else {
          throw .backwards(line: number)
        }
        // No two readings have the same time.
        guard run.reads - 1 <= run.last - run.first else { throw .malformed(line: number) }
        tracks[track].runs.append(run)
      default: throw .malformed(line: number)
      }
    }
    guard !tracks.isEmpty, tracks.allSatisfy({ !$0.runs.isEmpty }) else { throw .empty }
    guard tracks.contains(where: { end / Int64($0.reads) <= Self.longestPeriod }) else { throw .sparse }
  }

  /// A line after the first.
  private enum Line {
    case clocks([Int64])
    case counter(Counter)
    case run(Run)
    case end(Int64)

    init?(_ line: Substring.UTF8View) {
      let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map { Substring($0) }
      guard let first = words.first, let line = Self.read(first, Array(words.dropFirst())) else { return nil }
      self = line
    }

    private static func read(_ first: Substring, _ words: [Substring]) -> Line? {
      switch (first, words.count) {
      case ("clocks", 3):
        let clocks = words.compactMap { Int64($0) }
        return clocks.count == 3 ? .clocks(clocks) : nil
      case ("register", 2):
        guard let cpu = Int(words[0]), cpu >= 0,
          let address = hexadecimalValue(words[1]).flatMap({ UInt32(exactly: $0) })
        else { return nil }
        return .counter(.register(Capture.Register(cpu: cpu, address: address)))
      case ("zone", 1): return words[0].isEmpty ? nil : .counter(.zone(String(words[0])))
      case ("end", 1): return Int64(words[0]).map { .end($0) }
      case (_, 3), (_, 4):
        guard let first = Int64(first), first >= 0, let last = Int64(words[0]), last >= 0, let reads = Int(words[1]),
          reads > 0
        else { return nil }
        let reading: Reading? =
          words.count == 3
          ? hexadecimalValue(words[2]).map { .value($0) }
          : words[2] == "error" ? Int32(words[3]).flatMap { $0 > 0 ? .failed(errno: $0) : nil } : nil
        return reading.map { .run(Run(first: first, last: last, reads: reads, reading: $0)) }
      default: return nil
      }
    }
  }
}
