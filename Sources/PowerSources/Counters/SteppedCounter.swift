public import RAPL

/// The energy of a counter that moves in steps, as of the latest step whose moment is known well enough to end a window. Between
/// two such steps nothing new is known.
public struct SteppedCounter: Sendable {
  /// Times its steps.
  public private(set) var timer: StepTimer
  /// Counts from the first reading up to that step.
  public private(set) var counts: UInt64 = 0
  /// How many times energy could not be counted until then.
  public private(set) var losses: UInt32 = 0
  /// The time of that step, in nanoseconds of the monotonic clock.
  public private(set) var nanoseconds: Int64
  private var readings = 0
  /// What it showed when energy was last counted.
  private var countedValue: UInt64 = 0
  /// Whether a newer step is already known, which the next reading will give.
  public var isBehind: Bool { readings < 2 }

  /// A counter of which the timer has seen two steps. The first reading gives the first, the second gives the second, so that a
  /// window is known at once.
  public init(_ timer: StepTimer) {
    self.timer = timer
    nanoseconds = timer.firstStep.nanoseconds
  }

  /// A counter that has been counted up to the second of the steps that the timer has seen.
  ///
  /// A window cannot begin with its latest value, but only with the first step that is known well enough.
  init(
    _ timer: StepTimer, after counter: inout EnergyCounter, said: (counts: UInt64, losses: UInt32, nanoseconds: Int64)
  ) {
    self.timer = timer
    (counts, losses, nanoseconds) = said
    countedValue = timer.value
    readings = 2
    begin(counter: &counter)
  }

  /// Begins a window with the latest step if that is known well enough, else with the next one that is.
  private mutating func begin(counter: inout EnergyCounter) {
    counter.loseTime()
    guard timer.isSettled else { return }
    (counts, losses, nanoseconds) = (counter.total, counter.losses, timer.latestStep.nanoseconds)
  }

  /// Takes a reading of the counter.
  ///
  /// - Parameters:
  ///   - value: as for `EnergyCounter.record`.
  ///   - time: when it was read, in nanoseconds of the monotonic clock.
  ///   - asleep: how long the machine has slept by then, in nanoseconds.
  ///   - counter: counts it; not read before.
  /// - Returns: the result for the value: idle if `counts` are still those of the step before.
  public mutating func record(
    _ value: UInt64, at time: Int64, asleep: Int64 = 0, into counter: inout EnergyCounter
  ) -> CounterChange {
    if isBehind {
      readings += 1
      if readings == 1 {
        return counter.record(timer.firstValue, at: timer.firstStep.nanoseconds, asleep: asleep)
      }
      let step = timer.latestStep
      let change = counter.record(timer.value, at: step.nanoseconds, asleep: asleep)
      if change != .implausible {
        countedValue = timer.value
        if timer.isFirstWindowGood {
          (counts, losses, nanoseconds) = (counter.total, counter.losses, step.nanoseconds)
        } else {
          begin(counter: &counter)
        }
      }
      if value == timer.value { return change }
    }
    // AMD parts sometimes read 0, which is not a step.
    guard value != 0, let step = timer.take(value, at: time) else {
      // A counter that stands still for longer than it should must be seen standing still.
      return value == 0 || timer.isStopped ? counter.record(value, at: time, asleep: asleep) : .idle
    }
    // After an odd value it shows the one before again, which is not a step: its time is that of the step before.
    let time = value == countedValue ? timer.latestStep.nanoseconds : step.nanoseconds
    let change = counter.record(value, at: time, asleep: asleep)
    let isSettled: Bool
    switch change {
    case .advanced, .wrapped: isSettled = timer.accept(step, isLost: false)
    case .reset, .gap, .resumed: isSettled = timer.accept(step, isLost: true)
    case .first, .idle, .implausible: return change
    }
    countedValue = value
    guard isSettled else { return .idle }
    (counts, losses, nanoseconds) = (counter.total, counter.losses, step.nanoseconds)
    return change
  }
}
