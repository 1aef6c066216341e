internal import PowerProtocol
internal import RAPL

/// A subscription, shared by all clients that asked for the same: one window at each point of its grid.
struct SampleStream {
  /// The identity of a stream.
  struct Key: Hashable {
    /// The time between samples, in nanoseconds.
    let interval: Int64
    let isTrusted: Bool
    /// Whether its samples have domains.
    var hasDomains = true
    /// Whether it is that of the clients that wait for domains after a request, and not of subscribers.
    var isOfRequests = false
  }

  let key: Key
  /// When it takes its next reading, in nanoseconds of the monotonic clock.
  private(set) var next: Int64
  private let grid: SamplingGrid
  private var meter: PowerMeter
  /// Its latest window, and its number; nil before the first.
  private(set) var latest: (window: PowerWindow, sequence: Int)?

  /// - Parameter start: the start of its first window; nil if that is the first reading that it takes.
  init(_ key: Key, phase: Int64, shortestGap: Int64, start: EnergySnapshot?, now: Int64) {
    self.key = key
    grid = SamplingGrid(first: phase, interval: key.interval, shortestGap: shortestGap)
    meter = PowerMeter(start: start)
    next = grid.next(after: now)
  }

  /// Takes a reading at its point, or learns that there is none.
  ///
  /// - Returns: the window that this ends, and its number; nil if it ends none.
  mutating func take(_ snapshot: EnergySnapshot?, now: Int64) -> (window: PowerWindow, sequence: Int)? {
    next = grid.next(after: now)
    guard let snapshot, case .window(let window) = meter.measure(snapshot) else { return nil }
    latest = (window, (latest?.sequence ?? 0) + 1)
    return latest
  }
}

/// A sample for the subscribers of a stream.
struct StreamedSample {
  let key: SampleStream.Key
  let window: PowerWindow
  let sequence: Int
  /// Whether it repeats the one that they had before.
  let isStale: Bool
}

/// All streams that have subscribers.
struct SampleStreams {
  private let settings: ServerSettings
  private let trustedStep: Int64
  private var streams: [SampleStream] = []

  /// - Parameter trustedStep: the shortest window of trusted clients, in nanoseconds.
  init(_ settings: ServerSettings, trustedStep: Int64) {
    self.settings = settings
    self.trustedStep = trustedStep
  }

  /// Whether any subscription has domains.
  var haveDomains: Bool { streams.contains { $0.key.hasDomains } }

  /// Whether there are no subscriptions.
  var isEmpty: Bool { streams.isEmpty }

  /// Begins a stream, unless it exists.
  ///
  /// - Parameters:
  ///   - phase: a point of the grid that all streams share.
  ///   - start: the start of its first window.
  mutating func begin(_ key: SampleStream.Key, phase: Int64, start: EnergySnapshot?, now: Int64) {
    guard !streams.contains(where: { $0.key == key }) else { return }
    // A tenth of the trusted step: without a tolerance, a reading that is a little late would cost the next point its own.
    let trustedGap = min(trustedStep - trustedStep / 10, settings.shortestPublicGap)
    streams.append(
      SampleStream(
        key, phase: phase, shortestGap: key.isTrusted ? trustedGap : settings.shortestPublicGap, start: start, now: now)
    )
  }

  mutating func end(_ key: SampleStream.Key) {
    streams.removeAll { $0.key == key }
  }

  /// When the next stream needs a reading.
  ///
  /// - Parameter earliestPublic: no public reading is made before this time.
  func due(earliestPublic: Int64) -> Int64? {
    streams.lazy.map { $0.key.isTrusted ? $0.next : max($0.next, earliestPublic) }.min()
  }

  /// Whether a reading at `now` is public.
  func isPublicDue(at now: Int64, earliestPublic: Int64) -> Bool {
    now >= earliestPublic && streams.contains { !$0.key.isTrusted && $0.next <= now }
  }

  /// Whether a stream with domains takes a reading that is made at `now` or a little later.
  ///
  /// - Parameter isPublic: whether the reading is public.
  func takeDomains(at now: Int64, isPublic: Bool) -> Bool {
    streams.contains { $0.key.hasDomains && $0.next <= now + trustedStep / 10 && (isPublic || $0.key.isTrusted) }
  }

  /// Gives a reading to the streams whose point has come.
  ///
  /// - Parameters:
  ///   - isPublic: whether everybody's may have it.
  ///   - stale: the service's latest window, if it is stale: what those are told in which no window ended.
  /// - Returns: what to tell of each; nothing of those in which no window ended, if nothing is stale.
  mutating func take(_ snapshot: EnergySnapshot?, now: Int64, isPublic: Bool, stale: PowerWindow?) -> [StreamedSample] {
    var samples: [StreamedSample] = []
    for index in streams.indices where streams[index].next <= now && (isPublic || streams[index].key.isTrusted) {
      let (key, before) = (streams[index].key, streams[index].latest)
      if let (window, sequence) = streams[index].take(snapshot, now: now) {
        samples.append(StreamedSample(key: key, window: window, sequence: sequence, isStale: false))
      } else if let stale {
        // The one that the stream had before, with its number: its subscribers miss none.
        samples.append(
          StreamedSample(
            key: key, window: before?.window ?? stale, sequence: before?.sequence ?? 0, isStale: true))
      }
    }
    return samples
  }
}

/// The times of samples: the points of one grid that all connections share, without drift.
///
/// If each connection had points of its own, many connections together would show the energy between them: windows as short as
/// anybody likes (PLATYPUS, CVE-2020-8694).
struct SamplingGrid {
  /// The first point, in nanoseconds of the monotonic clock.
  let first: Int64
  /// The time between points, in nanoseconds.
  let interval: Int64
  /// The shortest time between two readings, in nanoseconds: a reading that is so late that the next point is closer than this
  /// takes that point's place.
  let shortestGap: Int64

  /// The first point that is far enough from the reading made at `now`.
  func next(after now: Int64) -> Int64 {
    let earliest = now + shortestGap
    guard earliest > first else { return first }
    let (steps, rest) = (earliest - first).quotientAndRemainder(dividingBy: interval)
    return first + (rest == 0 ? steps : steps + 1) * interval
  }
}
