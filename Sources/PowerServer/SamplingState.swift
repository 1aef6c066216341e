internal import RAPL

/// The state of the service, with the time of its next reading.
enum SamplingState {
  /// There was no sample yet. This state stays even without clients: one that connects then would wait for the first sample.
  case starting(next: Int64)
  /// There are clients, and a sample at each point of the grid.
  case sampling(next: Int64)
  /// There are clients, but there was no good reading for too long.
  case stale(next: Int64)
  /// There are no clients. It reads only before a counter wraps.
  case asleep(next: Int64)
  /// A client has connected while the service was asleep, and waits for a sample.
  case waking(Waking)

  /// When the reading is due for which it waits.
  var next: Int64 {
    switch self {
    case .starting(let next), .sampling(let next), .stale(let next), .asleep(let next): next
    case .waking(let waking): waking.next
    }
  }

  /// Whether there is no client, or one that waits for the first sample after a sleep.
  var isAsleep: Bool {
    switch self {
    case .asleep, .waking: true
    case .starting, .sampling, .stale: false
    }
  }

  /// What a client that has woken the service waits for.
  struct Waking {
    /// Whether its window has yet to begin, because the latest public reading is too old for it.
    let beginsWindow: Bool
    let next: Int64
    /// Whether this is the second reading, because the first could not be used.
    let isRetrying: Bool
  }
}

/// The latest readings of each kind, and their times.
struct LatestReads {
  /// The latest reading of any kind.
  private(set) var last: Int64
  /// The latest public reading; nil if it began no window.
  var publicSnapshot: EnergySnapshot?
  private(set) var lastPublic: Int64
  /// The latest reading with all domains.
  private(set) var fullSnapshot: EnergySnapshot
  private(set) var lastFull: Int64
  /// The latest public reading with all domains.
  private(set) var lastFullPublic: Int64

  init(_ begun: EnergySnapshot, at start: Int64) {
    last = start
    publicSnapshot = begun
    lastPublic = start
    fullSnapshot = begun
    lastFull = start
    lastFullPublic = start
  }

  mutating func note(_ reading: CounterReading, at now: Int64) {
    last = now
    if reading.order.hasDomains {
      fullSnapshot = reading.snapshot
      lastFull = now
      if reading.order.isPublic { lastFullPublic = now }
    }
    if reading.order.isPublic {
      publicSnapshot = reading.snapshot
      lastPublic = now
    }
  }
}

extension EnergySnapshot {
  /// The earliest time in the packages' readings: that of a reading, or of a step.
  var firstNanoseconds: Int64 {
    readings.lazy.filter { $0.domain == .package }.map(\.monotonicNanoseconds).min() ?? 0
  }
}

extension NoSample {
  /// Whether a value was set aside that the next reading may settle.
  var isOdd: Bool {
    if case .implausible = self { true } else { false }
  }
}
