/// What a reading of an energy counter turned out to be.
public enum CounterChange: Sendable, Equatable {
  /// The first reading: nothing to compare it with.
  case first
  /// The counter went on by so many counts.
  case advanced(UInt64)
  /// The counter went on by so many counts, past its end and around.
  case wrapped(UInt64)
  /// The same value again.
  case idle
  /// The counter was set to another value and goes on from there; the energy around that moment is partly unknown.
  case reset
  /// So long since the last reading that the counter may have wrapped unseen, or the machine slept in between, through which
  /// not every counter counts; its energy is a lower bound.
  case gap
  /// The counter had stood still, for longer than one that lives does, and goes on; its energy is a lower bound.
  case resumed
  /// A value that the package cannot have reached: rejected, nothing counted, nothing lost.
  case implausible
}

/// A hardware energy counter that wraps, carried on to 64 bits, exact to the count.
///
/// Wraps are followed. A value that no real power explains is rejected until a later reading either fits the last good
/// one (a glitch: nothing is lost) or goes on from the rejected one (the counter was set anew: counting goes on there).
/// Zero is never believed: AMD's mobile parts read 0 now and then, and nothing is lost by waiting for the next reading.
public struct EnergyCounter: Sendable {
  /// How many values a RAPL register's counter has: the low 32 bits.
  public static let registerRange: UInt64 = 1 << 32

  /// How long a counter may take from drawing energy to showing it, in nanoseconds; it updates about every millisecond.
  private static let updateSlackNanoseconds = 20_000_000.0

  /// How long the counter of what always draws power may show the same value, in nanoseconds: a thousand updates.
  private static let longestStandstillNanoseconds: Int64 = 1_000_000_000

  private struct Reading {
    var value: UInt64
    var time: Int64
    /// How long the machine had slept by then.
    var asleep: Int64
    /// When the same value was read for the first time.
    var since: Int64
  }

  private let boundCountsPerNanosecond: Double
  private let range: UInt64
  private let alwaysMoves: Bool
  /// A quarter of a wrap: beyond it a change no longer has one certain reading.
  private let certainCounts: Double
  private var last: Reading?
  private var rejected: Reading?

  /// Counts since the first reading.
  public private(set) var total: UInt64 = 0
  /// How many times energy went by that could not be counted.
  public private(set) var losses: UInt32 = 0
  /// How many readings were rejected as implausible.
  public private(set) var rejections: UInt32 = 0
  /// Whether `total` is only what was seen at least.
  public var isLowerBound: Bool { losses > 0 }

  /// A counter that has not been read yet.
  ///
  /// - Parameters:
  ///   - range: how many values it has before it starts again from 0, at least 1.
  ///   - alwaysMoves: whether what it counts always draws power, as a package does, and not every domain of it.
  public init(unit: EnergyUnit, bound: PowerBound, range: UInt64 = Self.registerRange, alwaysMoves: Bool = false) {
    self.range = max(range, 1)
    self.alwaysMoves = alwaysMoves
    certainCounts = Double(range) / 4
    boundCountsPerNanosecond = bound.watts / unit.joulesPerCount / 1e9
  }

  /// Takes in a reading.
  ///
  /// - Parameters:
  ///   - value: what it shows; of a register the low 32 bits. Beyond the range it is implausible.
  ///   - time: when it was read, in nanoseconds of a clock that stands still while the machine sleeps.
  ///   - asleep: how long the machine has slept by then, in nanoseconds.
  public mutating func record(_ value: UInt64, at time: Int64, asleep: Int64 = 0) -> CounterChange {
    guard value != 0, value < range else {
      rejections &+= 1
      return .implausible
    }
    guard let last else {
      self.last = Reading(value: value, time: time, asleep: asleep, since: time)
      return .first
    }
    let reading = Reading(value: value, time: time, asleep: asleep, since: time)
    let most = mostCounts(from: last, to: reading)
    let step = step(from: last.value, to: value)
    if most > certainCounts || asleep &- last.asleep > PowerMeter.shortestSleepNanoseconds {
      let least = leastCounts(from: last.value, to: value)
      // Junk, before the gap or after it, tells nothing of the energy in between.
      return lose(.gap, to: reading, atLeast: rejected == nil && Double(least) <= most ? least : 0)
    }
    if step == 0 {
      self.last = Reading(value: value, time: time, asleep: asleep, since: last.since)
      rejected = nil
      return .idle
    }
    if Double(step) <= most {
      if alwaysMoves && last.time &- last.since > Self.longestStandstillNanoseconds {
        return lose(.resumed, to: reading, atLeast: step)
      }
      total &+= step
      self.last = reading
      rejected = nil
      return value > last.value ? .advanced(step) : .wrapped(step)
    }
    if value < last.value && Double(value) <= most {
      return lose(.reset, to: reading, atLeast: value)
    }
    if let rejected, value != rejected.value {
      let onward = self.step(from: rejected.value, to: value)
      if Double(onward) <= mostCounts(from: rejected, to: reading) {
        return lose(.reset, to: reading, atLeast: onward)
      }
    }
    rejected = reading
    rejections &+= 1
    return .implausible
  }

  private func mostCounts(from start: Reading, to end: Reading) -> Double {
    // With the time asleep, in which some counters count.
    let nanoseconds = Double(end.time) - Double(start.time) + Double(end.asleep) - Double(start.asleep)
    return (max(nanoseconds, 0) + Self.updateSlackNanoseconds) * boundCountsPerNanosecond
  }

  /// From value to value, around the end of the range where that lies between them.
  private func step(from start: UInt64, to end: UInt64) -> UInt64 {
    end >= start ? end - start : range - start + end
  }

  /// What was drawn at least between two values, whether the counter went on, wrapped, or restarted from zero.
  private func leastCounts(from start: UInt64, to end: UInt64) -> UInt64 {
    end >= start ? end - start : min(step(from: start, to: end), end)
  }

  private mutating func lose(_ change: CounterChange, to reading: Reading, atLeast counts: UInt64) -> CounterChange {
    total &+= counts
    losses &+= 1
    last = reading
    rejected = nil
    return change
  }
}
