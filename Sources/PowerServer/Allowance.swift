/// Time that is earned as time passes, up to a maximum, and spent by work.
///
/// Once it is spent, some of it has to be earned before any can be spent again, so that work is done in few turns.
struct Allowance {
  /// How many thousandths of each second are earned.
  private let thousandths: Int64
  // In thousandths of a nanosecond, so that nothing is lost in the shortest time.
  private let most: Int64
  /// How much has to be earned first.
  private let enough: Int64
  private var balance: Int64
  private var updated: Int64
  private var isSpent = false

  /// A full one.
  ///
  /// - Parameters:
  ///   - most: the maximum that can be saved up, in nanoseconds.
  ///   - enough: how much has to be earned after everything was spent, in nanoseconds.
  ///   - now: in nanoseconds of the monotonic clock, as everywhere here.
  init(thousandths: Int64, most: Int64, enough: Int64, now: Int64) {
    self.thousandths = thousandths
    self.most = most * 1000
    self.enough = min(enough, most) * 1000
    balance = most * 1000
    updated = now
  }

  /// How long until there is some, in nanoseconds; 0 if there is some now.
  mutating func wait(now: Int64) -> Int64 {
    earn(now)
    if isSpent && balance >= enough { isSpent = false }
    return isSpent ? (enough - balance) / thousandths + 1 : 0
  }

  /// Spends this many nanoseconds, even those that are missing: they have to be earned first.
  mutating func spend(_ nanoseconds: Int64, now: Int64) {
    earn(now)
    balance -= min(max(nanoseconds, 0), Self.mostSpent) * 1000
    if balance <= 0 { isSpent = true }
  }

  /// Whether nothing of it is spent.
  mutating func isFull(now: Int64) -> Bool {
    earn(now)
    return balance == most
  }

  /// More than any work takes, so that no clock makes it overflow.
  private static let mostSpent: Int64 = 60_000_000_000
  private static let mostElapsed: Int64 = 3_600_000_000_000

  private mutating func earn(_ now: Int64) {
    guard now > updated else { return }
    let elapsed = now.subtractingReportingOverflow(updated)
    updated = now
    balance = min(balance + min(elapsed.overflow ? .max : elapsed.partialValue, Self.mostElapsed) * thousandths, most)
  }
}
