internal import CMSRShim
internal import Glibc
internal import Synchronization
internal import SystemCalls

/// A captured machine's counters instead of its own. With a trace they change as they did then, in real time from the first
/// reading. Without one, each shows its first value, and from the second reading on its last.
package final class Replay: Sendable {
  private struct State {
    /// The counters that have been read.
    var seen: Set<Trace.Counter> = []
    /// The start of the trace, in nanoseconds of the monotonic clock.
    var start: Int64?
    /// The counter that was read last, and the time.
    var last: (counter: Trace.Counter, time: Int64)?
  }

  /// The capture.
  package let capture: Capture
  private let tracks: [Trace.Counter: Trace.Track]
  private let state = Mutex(State())
  private let clock: Clock
  /// Readings that are so far apart were interrupted, in nanoseconds, if their counter was not read that seldom on purpose.
  private static let interruption: Int64 = 5_000_000
  /// No interruption is waited for longer, in nanoseconds.
  private static let longestInterruption: Int64 = 1_000_000_000
  /// How long after a counter another one may be read, in nanoseconds.
  private let gap: Int64

  /// The monotonic clock in nanoseconds, and how to wait for a time.
  struct Clock: Sendable {
    var now: @Sendable () -> Int64 = { cmsr_monotonic_nanoseconds() }
    /// In a busy loop: the wait is shorter than waking up may take.
    var wait: @Sendable (Int64) -> Void = { while cmsr_monotonic_nanoseconds() < $0 {} }
  }

  /// Replays a capture.
  package convenience init(_ capture: Capture) { self.init(capture, clock: Clock()) }

  init(_ capture: Capture, clock: Clock) {
    self.capture = capture
    self.clock = clock
    let trace = capture.trace
    tracks = Dictionary(uniqueKeysWithValues: (trace?.tracks ?? []).map { ($0.counter, $0) })
    // The counters were read in turn. If two are really one, the second may have moved on while the first has its old value
    // until its next turn; two turns later both have certainly moved.
    gap = 2 * (tracks.values.map { (trace?.nanoseconds ?? 0) / Int64($0.reads) }.min() ?? 0)
  }

  /// Why a CPU's node cannot be opened: an errno value; nil if it can be opened.
  package func openError(cpu: Int) -> Int32? {
    // Some nodes were opened but not read completely.
    capture.errors["dev/cpu/\(cpu)/msr"] ?? (capture.registers.isEmpty ? ENODATA : nil)
  }

  /// Reads a register.
  package func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
    let register = Capture.Register(cpu: cpu, address: address)
    switch try reading(.register(register)) {
    case .value(let value)?: return value
    case .failed(ENXIO)?: throw .offline(cpu: cpu)
    case .failed(EIO)?: throw .absent(address: address, cpu: cpu)
    case .failed(let errno)?: throw .failed(address: address, cpu: cpu, errno: errno)
    case nil: throw .notCaptured(address: address, cpu: cpu)
    }
  }

  /// Reads a zone's energy in microjoules.
  ///
  /// - Parameter path: the path of its energy_uj.
  package func energy(ofZone path: String) throws(SourceError) -> UInt64 {
    let reading: Trace.Reading?
    do {
      reading = try self.reading(.zone(Self.zone(path)))
    } catch {
      throw .register(error)
    }
    switch reading {
    case .value(let value)?: return value
    case .failed(let errno)?: throw .energyFile(path: path, errno: errno)
    case nil: throw .energyFile(path: path, errno: ENOENT)
    }
  }

  /// Why a zone's energy_uj cannot be read: an errno value; nil if it can be read.
  package func zoneError(_ path: String) -> Int32? {
    let zone = Self.zone(path)
    if let first = tracks[.zone(zone)]?.runs.first?.reading {
      return if case .failed(let errno) = first { errno } else { nil }
    }
    return switch capture.zones[zone] {
    case .read?: nil
    case .failed(let errno)?: errno
    case nil: ENOENT
    }
  }

  /// "intel-rapl:0" of ".../intel-rapl:0/energy_uj".
  private static func zone(_ path: String) -> String { PathParts(PathParts(path).folder).name }

  /// A counter's present value; nil if it was not captured.
  private func reading(_ counter: Trace.Counter) throws(RegisterError) -> Trace.Reading? {
    if let trace = capture.trace, let track = tracks[counter] {
      let elapsed = state.withLock { state in
        if let last = state.last, last.counter != counter, clock.now() < last.time + gap {
          clock.wait(last.time + gap)
        }
        var now = clock.now()
        let start = state.start ?? now
        state.start = start
        // The recording was interrupted here, so the replay waits too.
        let longestPause = max(Self.interruption, 4 * trace.nanoseconds / Int64(track.reads))
        if let end = track.resumption(after: now - start, longestPause: longestPause),
          start + end - now <= Self.longestInterruption
        {
          clock.wait(start + end)
          now = clock.now()
        }
        state.last = (counter, now)
        return now - start
      }
      guard elapsed <= trace.nanoseconds else { throw .traceOver(seconds: trace.seconds) }
      return track.reading(at: elapsed)
    }
    let values =
      switch counter {
      case .register(let register): capture.registers[register]
      case .zone(let zone): capture.zones[zone]
      }
    switch values {
    // It moved, so only a trace can tell how.
    case .read(let values)? where capture.trace != nil && values.first != values.last: return nil
    case .read(let values)?:
      let isFirst = state.withLock { $0.seen.insert(counter).inserted }
      return (isFirst ? values.first : values.last).map { .value($0) }
    case .failed(let errno)?: return .failed(errno: errno)
    case nil: return nil
    }
  }
}

/// The registers of a captured machine.
package struct ReplayedRegisters: OpenedRegisters {
  private let replay: Replay
  /// Why nodes of CPUs could not be opened: errno values.
  package let openErrors: [Int: Int32]

  /// Opens the node of each CPU that could be opened.
  package init(_ replay: Replay, cpus: [Int]) {
    self.replay = replay
    openErrors = Dictionary(
      uniqueKeysWithValues: Set(cpus).compactMap { cpu in replay.openError(cpu: cpu).map { (cpu, $0) } })
  }

  /// Reads one register through one CPU.
  package func read(_ address: UInt32, cpu: Int) throws(RegisterError) -> UInt64 {
    guard openErrors[cpu] == nil else { throw .offline(cpu: cpu) }
    return try replay.read(address, cpu: cpu)
  }
}

/// A zone's energy_uj of a captured machine.
final class ReplayedZone: CounterFile {
  private let replay: Replay
  private let path: String

  /// - Throws: the reason if it could not be opened.
  init(_ replay: Replay, path: String) throws(SourceError) {
    self.replay = replay
    self.path = path
    if let errno = replay.zoneError(path) { throw .energyFile(path: path, errno: errno) }
  }

  func read() throws(SourceError) -> UInt64 { try replay.energy(ofZone: path) }

  /// A captured file is never replaced.
  var change: MachineChange? { nil }
}
