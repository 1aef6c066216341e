internal import CMSRShim
internal import RAPL
internal import Synchronization

/// The energy events of a package, each of which is a counter. The kernel reads all of them at once, so one read serves them all.
final class PackageEvents: Sendable {
  /// A reading is repeated at most this often to get one that was not interrupted.
  private static let mostTries = 3
  /// How much less the events may have counted than the clock has passed, in nanoseconds, besides a hundredth of the time: the
  /// kernel's clock for events is not that clock.
  private static let slackNanoseconds: Int64 = 2_000_000

  private struct State {
    var reading = EventReading()
    /// When the reading began, and how long it took.
    var start = Int64.min
    var took: Int64 = 0
    /// The end of the latest reading, and what the events had counted by then.
    var end: Int64?
    var running: Int64 = 0
    /// Whether they did not count at all between the latest two readings.
    var isStopped = false
    /// Whether energy was counted since they were opened, so that a pause loses some.
    var isCounted = false
    /// What is wrong, until each counter has said so.
    var error: EventError?
    var told: Set<Int> = []
  }

  private let id: PackageID
  private let count: Int
  private let events: any EventGroup
  /// Whether the kernel now counts energy events of this package again.
  private let canCount: @Sendable () -> Bool
  private let state = Mutex(State())

  init(_ id: PackageID, _ events: any EventGroup, count: Int, canCount: @escaping @Sendable () -> Bool) {
    self.id = id
    self.events = events
    self.count = count
    self.canCount = canCount
  }

  /// The value of one of them, from a reading that began at or after a time.
  ///
  /// - Parameter since: the greatest number of all for a new reading that counts nothing. It takes away no error from those that do.
  /// - Throws: for each of them once, if they did not count all the time since the reading before.
  func value(_ index: Int, since: Int64, tolerance: Int64) throws(SourceError) -> TimedValue {
    try state.withLock { state throws(SourceError) -> TimedValue in
      if state.start < since {
        do throws(EventError) {
          try read(&state, tolerance)
        } catch {
          throw .events(error)
        }
      }
      if since < .max {
        state.isCounted = true
        if let error = state.error, state.told.insert(index).inserted {
          if state.told.count == count { state.error = nil }
          throw .events(error)
        }
      } else if let error = state.error, state.isStopped {
        throw .events(error)
      }
      return TimedValue(
        value: state.reading[index], monotonicNanoseconds: state.start + state.took / 2, tookNanoseconds: state.took)
    }
  }

  /// Why the events have to be opened again, if they have to: those of a package that was offline never count again.
  var change: MachineChange? { state.withLock(\.isStopped) && canCount() ? .stoppedEvents(id) : nil }

  private func read(_ state: inout State, _ tolerance: Int64) throws(EventError) {
    var reading = EventReading()
    for attempt in 0..<Self.mostTries {
      let before = cmsr_monotonic_nanoseconds()
      let error = events.read(into: &reading)
      let after = cmsr_monotonic_nanoseconds()
      guard error == 0 else {
        // Events that count can always be read.
        state.isStopped = true
        throw .cannotRead(id, errno: error)
      }
      // The kernel takes groups apart when their CPU goes offline.
      guard reading.count == UInt64(count) else {
        state.isStopped = true
        throw .stopped(id)
      }
      let ran = reading.running &- state.running
      let passed = state.end.map { before - $0 } ?? 0
      // Soon after another reading, events that have stopped cannot be told from others. So the time goes on from that one.
      let isTooSoon = ran == 0 && passed <= Self.slackNanoseconds && state.end != nil
      if !isTooSoon { state.isStopped = ran == 0 && state.end != nil }
      if state.isStopped {
        (state.error, state.told) = (.stopped(id), [])
      } else if state.isCounted, passed &- ran > Self.slackNanoseconds + passed / 100 {
        (state.error, state.told) = (.paused(id, milliseconds: (passed &- ran) / 1_000_000), [])
      }
      if !isTooSoon { (state.end, state.running) = (after, reading.running) }
      if attempt == 0 || after - before < state.took {
        (state.reading, state.start, state.took) = (reading, before, after - before)
      }
      if after - before <= tolerance { return }
    }
  }
}

/// One of a package's energy events.
final class EventCounter: CounterFile {
  /// Finer counts than this many joules are of no use, and would exceed 64 bits within months.
  private static let finestJoules = 1.0 / Double(1 << 24)

  private let events: PackageEvents
  private let index: Int
  /// The energy of one count.
  let unit: EnergyUnit
  /// How many of the lowest bits are left out.
  private let shift: UInt64

  /// - Parameter joulesPerCount: the kernel's unit.
  init(_ events: PackageEvents, index: Int, joulesPerCount: Double) {
    self.events = events
    self.index = index
    var (shift, joules): (UInt64, Double) = (0, joulesPerCount)
    while shift < 32, 2 * joules <= Self.finestJoules { (shift, joules) = (shift + 1, 2 * joules) }
    self.shift = shift
    unit = EnergyUnit(joulesPerCount: joules, source: .perf)
  }

  /// The number of values: the kernel counts with 64 bits, and then starts again from 0. Without a shift that is one more than this,
  /// but it would take a million years.
  var range: UInt64 { shift == 0 ? .max : 1 << (64 - shift) }

  func read() throws(SourceError) -> UInt64 { try timed(since: .max, toleranceNanoseconds: .max)?.value ?? 0 }

  func timed(since: Int64, toleranceNanoseconds: Int64) throws(SourceError) -> TimedValue? {
    let raw = try events.value(index, since: since, tolerance: toleranceNanoseconds)
    // An event begins with 0, which counters never show: one count more is the same energy.
    return TimedValue(
      value: (raw.value >> shift &+ 1) & (.max >> shift), monotonicNanoseconds: raw.monotonicNanoseconds,
      tookNanoseconds: raw.tookNanoseconds)
  }

  var change: MachineChange? { events.change }
}
