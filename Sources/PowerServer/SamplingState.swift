internal import RAPL

/// What the service does, and when it reads for that next.
enum SamplingState {
  /// There was no sample yet. It goes on so with no client too: one that comes then would wait for the first one.
  case starting(next: Int64)
  /// There are clients, and a sample at each point of the grid.
  case sampling(next: Int64)
  /// There are clients, but no good reading for too long.
  case stale(next: Int64)
  /// Nobody is there. It reads now and then, so that no counter wraps unseen.
  case asleep(next: Int64)
  /// A client has come while it was asleep, and waits for a sample.
  case waking(Waking)

  /// When the reading is due that it waits for.
  var next: Int64 {
    switch self {
    case .starting(let next), .sampling(let next), .stale(let next), .asleep(let next): next
    case .waking(let waking): waking.next
    }
  }

  /// Whether nobody is there, or somebody who waits for the first sample since.
  var isAsleep: Bool {
    switch self {
    case .asleep, .waking: true
    case .starting, .sampling, .stale: false
    }
  }

  /// What a client waits for that has woken the service.
  struct Waking {
    /// Whether its window still has to begin, because the latest public reading is too old for it.
    let beginsWindow: Bool
    let next: Int64
    /// Whether the reading is made a second time, because the first was of no use.
    let isRetrying: Bool
  }
}

/// The latest readings of each kind, and when they were made.
struct LatestReads {
  /// Of any kind.
  private(set) var last: Int64
  /// What everybody gets to know of; nil if it began no window.
  var publicSnapshot: EnergySnapshot?
  private(set) var lastPublic: Int64
  /// With all domains.
  private(set) var fullSnapshot: EnergySnapshot
  private(set) var lastFull: Int64
  /// With all domains, and for everybody.
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
  /// As of when the package is known that was read, or has stepped, first.
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
