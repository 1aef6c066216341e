internal import Formatting

/// The counters of a machine, read thousands of times each over some seconds: their values, and when.
///
/// It shows how often and how evenly a counter moves, and it can be replayed. It is fine enough to show what ran on the machine.
package struct Trace: Equatable, Sendable {
  /// A counter.
  package enum Counter: Hashable, Sendable {
    /// A register of one CPU.
    case register(Capture.Register)
    /// A powercap zone's energy in microjoules, by the zone's folder: "intel-rapl:0".
    case zone(String)
  }

  /// A counter's value, or why it could not be read.
  package enum Reading: Equatable, Sendable {
    case value(UInt64)
    case failed(errno: Int32)
  }

  /// Consecutive readings with the same result.
  package struct Run: Equatable, Sendable {
    /// The time of the first reading: nanoseconds since the start, in the middle of the read.
    package let first: Int64
    /// The time of the last reading.
    package var last: Int64
    /// The number of readings.
    package var reads: Int
    /// Their result.
    package let reading: Reading
  }

  /// One counter's readings, in order.
  package struct Track: Equatable, Sendable {
    package let counter: Counter
    package var runs: [Run] = []

    /// How often it was read; at least once.
    package var reads: Int { max(runs.reduce(0) { $0.addingReportingOverflow($1.reads).partialValue }, 1) }

    /// Adds a reading.
    package mutating func add(_ reading: Reading, at time: Int64) {
      if let last = runs.indices.last, runs[last].reading == reading {
        runs[last].last = time
        runs[last].reads += 1
      } else {
        runs.append(Run(first: time, last: time, reads: 1, reading: reading))
      }
    }

    /// Its result at a time: that of the latest reading before, or of the first.
    func reading(at time: Int64) -> Reading? { runs.isEmpty ? nil : runs[max(later(than: time) - 1, 0)].reading }

    /// If a time lies between two different readings that are further apart than most: the time of the later one. It is unknown
    /// what the counter showed in between, so it must not seem to have stood still.
    func resumption(after time: Int64, longestPause: Int64) -> Int64? {
      let next = later(than: time)
      guard next > 0, next < runs.count, runs[next - 1].last < time,
        runs[next].first - runs[next - 1].last > longestPause
      else { return nil }
      return runs[next].first
    }

    /// The first run that begins later.
    private func later(than time: Int64) -> Int {
      var (low, high) = (0, runs.count)
      while low < high {
        let middle = (low + high) / 2
        if runs[middle].first <= time { low = middle + 1 } else { high = middle }
      }
      return low
    }
  }

  /// The machine's clocks at the start, in nanoseconds: monotonic, since boot with time asleep, and since 1970.
  package var clocks: [Int64]
  /// The counters.
  package var tracks: [Track]
  /// Its length, in nanoseconds of the monotonic clock.
  package var nanoseconds: Int64

  /// Its length, in seconds.
  package var seconds: Double { Double(nanoseconds) / 1e9 }
}

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
    guard next().elementsEqual(Self.header.utf8) else { throw TraceError("is not a trace that this version can read") }
    // Nothing may follow the last line.
    guard rest.last == newline, let cut = rest.dropLast().lastIndex(of: newline) ?? rest.indices.first,
      case .end(let end)? = Line.read(rest[cut...].drop { $0 == newline }.prefix { $0 != newline })
    else { throw TraceError("is cut off: its last line is missing") }
    guard 0...Self.longest ~= end else { throw .malformed(line: text.utf8.count { $0 == newline }) }
    guard case .clocks(let clocks)? = Line.read(next()) else { throw .malformed(line: 2) }
    self.init(clocks: clocks, tracks: [], nanoseconds: end)
    var seen: Set<Counter> = []
    while rest.startIndex <= cut {
      switch Line.read(next()) {
      case .counter(let counter)?:
        guard seen.insert(counter).inserted else { throw TraceError("has the same counter twice, in line \(number)") }
        tracks.append(Track(counter: counter))
      case .run(let run)?:
        guard let track = tracks.indices.last, run.last <= end else { throw .malformed(line: number) }
        guard run.first <= run.last, run.first > tracks[track].runs.last?.last ?? -1 else {
          throw TraceError("has a time before that of the line above, in line \(number)")
        }
        // No two readings have the same time.
        guard run.reads - 1 <= run.last - run.first else { throw .malformed(line: number) }
        tracks[track].runs.append(run)
      default: throw .malformed(line: number)
      }
    }
    guard !tracks.isEmpty, tracks.allSatisfy({ !$0.runs.isEmpty }) else { throw TraceError("has no readings") }
    guard tracks.contains(where: { end / Int64($0.reads) <= Self.longestPeriod }) else {
      throw TraceError("has too few readings for its length")
    }
  }

  /// A line after the first.
  private enum Line {
    case clocks([Int64])
    case counter(Counter)
    case run(Run)
    case end(Int64)

    static func read(_ line: Substring.UTF8View) -> Line? {
      var words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map { Substring($0) }
      // An empty line has one word too, an empty one.
      let first = words.removeFirst()
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
