public import RAPL

/// How a package's counter moves, as far as it has shown: all the time, or in steps.
///
/// It may come to move in another way, as after a virtual machine has moved to another host. A counter that should move all the time
/// is given away by standing still: then nothing new is said of it until it is known how it moves.
public struct CounterCourse: Sendable {
  private enum Mode {
    case continuous
    /// Read again and again, to find out.
    case probing(CounterProbe)
    /// It was read for long enough, and did not move.
    case standing
    case stepped(SteppedCounter)
  }

  private var mode: Mode
  /// Whether it moves all the time: asked for each reading, and quicker than the whole.
  public private(set) var isContinuous: Bool
  /// Counts since the first reading, as far as they may be said; of no meaning if it moves all the time.
  public private(set) var counts: UInt64 = 0
  /// How many times energy could not be counted until then.
  public private(set) var losses: UInt32 = 0
  /// When that was, in nanoseconds of the monotonic clock.
  public private(set) var nanoseconds: Int64 = 0
  private var lastReading: Int64 = 0
  /// While it is read again and again: when it first showed the value at which it stood.
  private var stoodSince: Int64 = 0

  /// A counter that moves all the time, or in the steps that a timer has seen.
  public init(_ timer: StepTimer? = nil) {
    isContinuous = timer == nil
    mode = timer.map { .stepped(SteppedCounter($0)) } ?? .continuous
  }

  /// Whether it moves in steps.
  public var isStepping: Bool { if case .stepped = mode { true } else { false } }

  /// What is known of its steps; nil if it does not move in steps.
  public var stepped: SteppedCounter? { if case .stepped(let stepped) = mode { stepped } else { nil } }

  /// When to read it again, in nanoseconds of the monotonic clock; nil if any time will do.
  public var nextReading: Int64? {
    switch mode {
    case .continuous, .standing: nil
    case .probing: lastReading + CounterProbe.pause
    case .stepped(let stepped): stepped.timer.nextReading
    }
  }

  /// Takes a value of the counter.
  ///
  /// - Parameters: as for `SteppedCounter.record`.
  /// - Returns: what became of the value: idle if nothing new may be said.
  public mutating func record(
    _ value: UInt64, at time: Int64, asleep: Int64 = 0, into counter: inout EnergyCounter
  ) -> CounterChange {
    lastReading = time
    switch mode {
    case .continuous:
      let change = counter.record(value, at: time, asleep: asleep)
      if case .idle = change { stood(at: value, time, counter) }
      return isContinuous ? say(counter, at: time, change) : .idle
    case .standing:
      let change = counter.record(value, at: time, asleep: asleep)
      switch change {
      case .idle, .implausible: return change
      case .first, .advanced, .wrapped, .reset, .gap, .resumed:
        // Of a standstill that the counter itself knew to be long, its own time is without it already.
        probe(value, at: time, since: change == .resumed ? time : stoodSince)
        return .idle
      }
    case .probing(var probe):
      // As of the first reading that saw it: of one that stands, the latest would leave the next step little time.
      let change = value == probe.value ? .idle : counter.record(value, at: time, asleep: asleep)
      let movement = probe.take(value, at: time)
      mode = .probing(probe)
      switch movement {
      case nil: return .idle
      case .continuous?:
        (mode, isContinuous) = (.continuous, true)
        // What was drawn while it stood was not counted, so no window may span it.
        if time - stoodSince > EnergyCounter.longestStandstillNanoseconds {
          counter.loseTime()
          return say(counter, at: time, .resumed)
        }
        return say(counter, at: time, change)
      case .steps? where change == .implausible:
        self.probe(value, at: time, since: stoodSince)
        return .idle
      case .steps(let timer)?:
        let stepped = SteppedCounter(timer, after: &counter, said: (counts, losses, nanoseconds))
        mode = .stepped(stepped)
        return say(stepped, .idle)
      case .zero?, .stands?:
        mode = .standing
        return .idle
      }
    case .stepped(var stepped):
      let change = stepped.record(value, at: time, asleep: asleep, into: &counter)
      mode = .stepped(stepped)
      return say(stepped, change)
    }
  }

  /// Takes in that a counter that should move all the time, and has counted a reading already, has not moved since the one before.
  public mutating func stood(at value: UInt64, _ time: Int64, _ counter: EnergyCounter) {
    guard counter.standstillNanoseconds >= StepTimer.shortestPeriod else { return }
    (counts, losses, nanoseconds) = (counter.total, counter.losses, time)
    probe(value, at: time, since: time - counter.standstillNanoseconds)
  }

  private mutating func probe(_ value: UInt64, at time: Int64, since: Int64) {
    stoodSince = since
    var probe = CounterProbe(start: time)
    _ = probe.take(value, at: time)
    lastReading = time
    (mode, isContinuous) = (.probing(probe), false)
  }

  private mutating func say(_ counter: EnergyCounter, at time: Int64, _ change: CounterChange) -> CounterChange {
    (counts, losses, nanoseconds) = (counter.total, counter.losses, time)
    return change
  }

  private mutating func say(_ stepped: SteppedCounter, _ change: CounterChange) -> CounterChange {
    (counts, losses, nanoseconds) = (stepped.counts, stepped.losses, stepped.nanoseconds)
    return change
  }
}
