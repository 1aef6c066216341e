public import RAPL

/// A hardware energy counter that wraps, extended to 64 bits, exact to the count.
///
/// Wraps are followed. A value that no real power explains is set aside until a later reading either fits the last good one (a
/// glitch: nothing is lost) or continues from the one that was set aside (the counter was reset: counting continues there). If
/// the counter exceeds the bound step after step, steadily or not, the bound was wrong: it is raised.
///
/// A step of more than a quarter of the range may be a wrap, or a reset that looks like one. It is accepted if its power is that
/// of the step before it, or that of the next reading; otherwise the total becomes a lower bound.
///
/// Zero is never accepted: AMD's mobile parts sometimes read 0, and nothing is lost by waiting for the next reading.
public struct EnergyCounter: Sendable {
  /// The number of values of a RAPL register's counter: it has the low 32 bits.
  public static let registerRange: UInt64 = 1 << 32

  /// How long after energy is drawn a counter may show it, in nanoseconds; it updates about every millisecond.
  private static let updateSlackNanoseconds = 20_000_000.0

  /// How long the counter of something that always draws power may show the same value, in nanoseconds: a thousand updates.
  static let longestStandstillNanoseconds: Int64 = 1_000_000_000

  /// The share of the range beyond which a second wrap may be hidden.
  private static let certainShare = 0.95

  /// The shortest time between two readings whose power can be compared, in nanoseconds: fifty updates.
  private static let shortestComparedNanoseconds: Int64 = 50_000_000

  /// How far apart two powers may be that agree. It is also the greatest error of a reset that is taken for a wrap.
  private static let agreement = 1.125

  /// How many steps above the bound show that it is wrong. A counter that is reset, or reads junk, makes one step, and seldom one
  /// that any power explains.
  private static let stepsToExceed = 4

  /// How many times its bound a part may draw: no report comes near the bound itself.
  private static let likelyExcess = 3.0

  /// How many readings in a row justify an early reading of the counter, because they were set aside.
  private static let mostEarlyReadings = 8

  private struct Reading {
    var value: UInt64
    var time: Int64
    /// How long the machine had slept by then.
    var asleep: Int64
    /// When the same value was read for the first time.
    var since: Int64
  }

  /// The latest reading that was set aside.
  private struct Doubt {
    var reading: Reading
    /// The power that led to it, in counts per nanosecond.
    var rate: Double
    /// The counts of all steps in a row up to it that some power explains.
    var counts: UInt64
    /// The least that was drawn up to it, since the last good reading.
    var least: UInt64
    /// How many readings in a row were set aside, including it.
    var inRow = 1
  }

  private let unit: EnergyUnit
  private let range: UInt64
  private let alwaysMoves: Bool
  /// A step that cannot be a reset is no longer than this: a quarter of the range.
  private let quarter: UInt64
  private let certainCounts: Double
  private var boundCountsPerNanosecond: Double
  private var last: Reading?
  private var doubt: Doubt?
  /// The latest step that was counted.
  private var recentCounts: UInt64 = 0
  private var recentNanoseconds: Int64 = 0
  /// How many steps above the bound some power explains, and the greatest of these powers, in counts per nanosecond: since the
  /// bound last explained a reading, or no power did. A loss in between changes nothing.
  private var excesses = 0
  private var excessRate = 0.0

  /// What is accepted at once; raised if the counter exceeds it.
  public private(set) var bound: PowerBound
  /// Counts since the first reading.
  public private(set) var total: UInt64 = 0
  /// How many times energy could not be counted.
  public private(set) var losses: UInt32 = 0
  /// How many readings were set aside.
  public private(set) var rejections: UInt32 = 0
  /// Whether `total` is a lower bound.
  public var isLowerBound: Bool { losses > 0 }
  /// Whether a reading was set aside that another one soon after may settle.
  public var isInDoubt: Bool { doubt.map { $0.inRow <= Self.mostEarlyReadings } ?? false }

  /// How long the latest readings have shown the same value, in nanoseconds; 0 if it has moved since the one before.
  public var standstillNanoseconds: Int64 { last.map { $0.time &- $0.since } ?? 0 }

  /// A counter that has not been read yet.
  ///
  /// - Parameters:
  ///   - range: the number of its values before it starts again from 0, at least 1.
  ///   - alwaysMoves: whether it counts something that always draws power, as a package does, but not every domain of it.
  public init(unit: EnergyUnit, bound: PowerBound, range: UInt64 = Self.registerRange, alwaysMoves: Bool = false) {
    self.unit = unit
    self.bound = bound
    self.range = max(range, 1)
    self.alwaysMoves = alwaysMoves
    quarter = self.range / 4
    certainCounts = Double(self.range) * Self.certainShare
    boundCountsPerNanosecond = bound.watts / unit.joulesPerCount / 1e9
  }

  /// Takes a reading.
  ///
  /// - Parameters:
  ///   - value: its value; for a register the low 32 bits. A value beyond the range is implausible.
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
      // To the kernel, a register that was reset meanwhile has wrapped.
      let least = unit.source == .perf ? 0 : leastCounts(from: last.value, to: value)
      // Junk, before the gap or after it, tells nothing about the energy in between.
      return lose(.gap, to: reading, atLeast: doubt == nil && Double(least) <= most ? least : 0)
    }
    if step == 0 {
      self.last = Reading(value: value, time: time, asleep: asleep, since: last.since)
      if doubt != nil { withdraw() }
      return .idle
    }
    if Double(step) > most {
      if value < last.value && value <= quarter && Double(value) <= most {
        return lose(.reset, to: reading, atLeast: value)
      }
      if let change = question(step, from: last, to: reading) { return change }
    } else if step > quarter, !isUsual(step, from: last, to: reading),
      let change = settle(step, from: last, to: reading)
    {
      return change
    }
    if alwaysMoves && last.time &- last.since > Self.longestStandstillNanoseconds {
      return lose(.resumed, to: reading, atLeast: step)
    }
    total &+= step
    recentCounts = step
    recentNanoseconds = time &- last.time
    self.last = reading
    // There is nearly never one, and it is the larger part of what is stored here.
    if doubt != nil { withdraw() } else if excesses != 0 { forgetJumps() }
    return value > last.value ? .advanced(step) : .wrapped(step)
  }

  /// Handles a step that power explains, but that is so long that a reset may explain it too: the next reading decides.
  ///
  /// - Returns: nil if the step counts.
  private mutating func settle(_ step: UInt64, from last: Reading, to reading: Reading) -> CounterChange? {
    let rate = rate(step, from: last, to: reading) ?? 0
    guard let doubt else {
      return setAside(
        Doubt(reading: reading, rate: rate, counts: step, least: leastCounts(from: last.value, to: reading.value)))
    }
    let onward = self.step(from: doubt.reading.value, to: reading.value)
    guard let onwardRate = self.rate(onward, from: doubt.reading, to: reading) else { return reject() }
    guard Double(onward) <= mostCounts(from: doubt.reading, to: reading) else {
      return setAside(
        Doubt(reading: reading, rate: rate, counts: step, least: leastCounts(from: last.value, to: reading.value)))
    }
    if agree(onwardRate, doubt.rate) { return nil }
    return lose(.gap, to: reading, atLeast: doubt.least &+ onward)
  }

  /// Handles a step that the bound forbids: a glitch, a counter that was reset, or a bound that is wrong.
  ///
  /// - Returns: nil if the step counts, because the bound was wrong.
  private mutating func question(_ step: UInt64, from last: Reading, to reading: Reading) -> CounterChange? {
    guard let doubt else {
      let rate = rate(step, from: last, to: reading)
      let isExplained = rate.map { notes(step, rate: $0, before: 0) } ?? false
      return setAside(Doubt(reading: reading, rate: rate ?? .infinity, counts: isExplained ? step : 0, least: 0))
    }
    guard doubt.reading.value != reading.value else {
      let rate = rate(step, from: last, to: reading) ?? .infinity
      return setAside(Doubt(reading: reading, rate: rate, counts: doubt.counts, least: 0))
    }
    let onward = self.step(from: doubt.reading.value, to: reading.value)
    guard let rate = rate(onward, from: doubt.reading, to: reading) else { return reject() }
    // One of two that agree may be within the bound: then the power is near the bound.
    let isWithinBound = Double(onward) <= mostCounts(from: doubt.reading, to: reading)
    let isAboutBound = isWithinBound && agree(rate, doubt.rate)
    var next = Doubt(reading: reading, rate: rate, counts: onward, least: 0)
    if isAboutBound || !isWithinBound && notes(onward, rate: rate, before: doubt.rate) {
      next.counts &+= doubt.counts
    }
    if isAboutBound || excesses >= Self.stepsToExceed {
      bound = bound.raised(to: max(excessRate, isAboutBound ? rate : 0) * 1e9 * unit.joulesPerCount)
      boundCountsPerNanosecond = bound.watts / unit.joulesPerCount / 1e9
      forgetExcesses()
      let most = mostCounts(from: last, to: reading)
      if step <= quarter || step == next.counts, Double(step) <= most, most <= certainCounts {
        return nil
      }
      return lose(.reset, to: reading, atLeast: next.counts)
    }
    if isWithinBound { return lose(.reset, to: reading, atLeast: onward) }
    return setAside(next)
  }

  /// Whether a machine's power explains a step above the bound, which then counts against the bound. A step of more than a quarter
  /// of the range must have the power of the one before it: otherwise it may be a step back.
  private mutating func notes(_ step: UInt64, rate: Double, before: Double) -> Bool {
    guard rate * 1e9 * unit.joulesPerCount <= PowerBound.highest.watts, step <= quarter || agree(rate, before) else {
      forgetExcesses()
      return false
    }
    excesses += 1
    excessRate = max(excessRate, rate)
    return true
  }

  /// Between readings that the bound explains, steps above it count only if some part may be meant: one that exceeds its bound by
  /// little. What is far above must come several times in a row.
  private mutating func forgetJumps() {
    if excessRate > boundCountsPerNanosecond * Self.likelyExcess { forgetExcesses() }
  }

  private mutating func forgetExcesses() {
    excesses = 0
    excessRate = 0
  }

  /// The bound explains everything that was seen: the value that was set aside was a glitch, or came early.
  private mutating func withdraw() {
    doubt = nil
    forgetExcesses()
  }

  private mutating func setAside(_ next: Doubt) -> CounterChange {
    let before = doubt?.inRow ?? 0
    doubt = next
    doubt?.inRow = before + 1
    return reject()
  }

  private mutating func reject() -> CounterChange {
    rejections &+= 1
    return .implausible
  }

  /// Whether a step has the power of the one before it.
  private func isUsual(_ step: UInt64, from last: Reading, to reading: Reading) -> Bool {
    guard recentNanoseconds >= Self.shortestComparedNanoseconds, let rate = rate(step, from: last, to: reading) else {
      return false
    }
    return agree(rate, Double(recentCounts) / Double(recentNanoseconds))
  }

  private func agree(_ one: Double, _ other: Double) -> Bool {
    one > 0 && other > 0 && max(one, other) <= min(one, other) * Self.agreement
  }

  /// Counts per nanosecond; nil for a time too short to tell.
  private func rate(_ counts: UInt64, from start: Reading, to end: Reading) -> Double? {
    let nanoseconds = Double(end.time) - Double(start.time)
    return nanoseconds < Double(Self.shortestComparedNanoseconds) ? nil : Double(counts) / nanoseconds
  }

  private func mostCounts(from start: Reading, to end: Reading) -> Double {
    // Including the time asleep, in which some counters count.
    let nanoseconds = Double(end.time) - Double(start.time) + Double(end.asleep) - Double(start.asleep)
    return (max(nanoseconds, 0) + Self.updateSlackNanoseconds) * boundCountsPerNanosecond
  }

  /// The distance between two values, around the end of the range if that lies between them.
  private func step(from start: UInt64, to end: UInt64) -> UInt64 {
    end >= start ? end - start : range - start + end
  }

  /// The least that was drawn between two values, whether the counter advanced, wrapped, or restarted from zero.
  private func leastCounts(from start: UInt64, to end: UInt64) -> UInt64 {
    end >= start ? end - start : min(step(from: start, to: end), end)
  }

  /// Notes that it is unknown when the latest energy was drawn: no window may end with it.
  public mutating func loseTime() { losses &+= 1 }

  private mutating func lose(_ change: CounterChange, to reading: Reading, atLeast counts: UInt64) -> CounterChange {
    total &+= counts
    losses &+= 1
    last = reading
    doubt = nil
    return change
  }
}
