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

    package init(first: Int64, last: Int64, reads: Int, reading: Reading) {
      self.first = first
      self.last = last
      self.reads = reads
      self.reading = reading
    }
  }

  /// One counter's readings, in order.
  package struct Track: Equatable, Sendable {
    package let counter: Counter
    package var runs: [Run]

    package init(_ counter: Counter, _ runs: [Run] = []) {
      self.counter = counter
      self.runs = runs
    }

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

  package init(clocks: [Int64], tracks: [Track], nanoseconds: Int64) {
    self.clocks = clocks
    self.tracks = tracks
    self.nanoseconds = nanoseconds
  }
}
