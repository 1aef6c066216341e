import RAPL

@testable import PowerServer

/// What holds in a simulated day for clients that ask for domains while each core has a counter.
final class DomainsChecks {
  /// What a client waits for.
  enum Wait {
    /// The first sample after a sleep.
    case sample
    /// A window with domains.
    ///
    /// - Parameters:
    ///   - due: when it has it at the latest, if nothing is late and every reading is good.
    ///   - delays: how long all delays were before.
    ///   - lateReadings: how many public readings had been late before.
    case window(since: Int64, due: Int64, delays: Int64, lateReadings: Int)
  }

  private unowned let day: SimulatedDay
  private var lateReadings = 0
  private var lastPublicEnd: Int64
  /// When the latest reading was made between which and the one before there was no window.
  private var odd = Int64.min / 2
  /// Whether the reading that was just made is public.
  private var isPublic = false
  private var number: Int64 = 0
  /// The service's own sample of this reading.
  private var published: PowerWindow?

  init(of day: SimulatedDay) {
    self.day = day
    lastPublicEnd = day.start
  }

  /// A reading was made.
  func reads(isPublic: Bool, isOdd: Bool, number: Int64, at now: Int64) {
    (self.isPublic, self.number, published) = (isPublic, number, nil)
    if isOdd { odd = now }
    guard isPublic else { return }
    if day.lateness > 9_000_000 { lateReadings += 1 }
    lastPublicEnd = now
  }

  func publishes(_ window: PowerWindow) { published = window }

  /// A client begins to wait for a window.
  ///
  /// - Parameters:
  ///   - readings: how many public readings that takes.
  ///   - phase: a point of the public grid.
  func begins(readings: Int64, phase: Int64) -> Wait {
    let (step, now) = (day.settings.publicStep, day.now)
    let earliest = max(now, lastPublicEnd + day.settings.shortestPublicGap)
    let first = phase + max(earliest - phase + step - 1, 0) / step * step
    return .window(
      since: now, due: first + (readings - 1) * step, delays: day.delays, lateReadings: lateReadings)
  }

  /// The service answers the clients that wait for a window.
  func answers(_ window: PowerWindow?) {
    if window == nil, published == nil { return day.checks.see("domains given up") }
    day.checks.see("window with domains")
    guard let window else { return }
    if !isPublic || window.end.unixNanoseconds != number { day.checks.violate("domains from another reading") }
    if window.sample.windowNanoseconds < day.settings.shortestPublicGap {
      day.checks.violate("a window with domains of \(window.sample.windowNanoseconds) ns")
    }
    if !hasDomains(window) { day.checks.violate("a window without domains") }
  }

  /// A client that waited was answered.
  func answered(_ wait: Wait, with window: PowerWindow?) {
    guard case .window(let since, _, _, _) = wait else { return }
    if odd < since - day.settings.publicStep, !((window ?? published).map(hasDomains) ?? false) {
      day.checks.violate("who waited for domains gets none")
    }
    goesOn(wait)
  }

  /// A client has waited until now.
  ///
  /// - Parameter overdue: how late the alarm is by now that has not rung yet, in nanoseconds.
  func goesOn(_ wait: Wait, overdue: Int64 = 0) {
    guard case .window(let since, let due, let delays, let late) = wait else { return }
    let step = day.settings.publicStep
    var most = due + day.delays - delays + overdue + Int64(lateReadings - late) * step
    // Five readings in all, of which two were counted.
    if odd >= since - step { most += 4 * step }
    if day.now > most { day.checks.violate("who asked for domains waits for \((day.now - since) / 1_000_000) ms") }
  }

  private func hasDomains(_ window: PowerWindow) -> Bool {
    min(window.start.readings.count, window.end.readings.count) >= 2
  }
}
