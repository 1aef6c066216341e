/// Time that is earned as time goes by, up to a most, and spent by work.
///
/// Once it is spent, some of it has to come back before there is any again, so that work comes in few turns.
struct Allowance {
  /// Of each second, how many thousandths are earned.
  private let thousandths: Int64
  // In thousandths of a nanosecond, so that nothing of the shortest time is lost.
  private let most: Int64
  /// How much has to come back.
  private let enough: Int64
  private var balance: Int64
  private var updated: Int64
  private var isSpent = false

  /// A full one.
  ///
  /// - Parameters:
  ///   - most: how much may be saved up, in nanoseconds.
  ///   - enough: how much there has to be again after all of it was spent, in nanoseconds.
  ///   - now: in nanoseconds of the monotonic clock, as everywhere here.
  init(thousandths: Int64, most: Int64, enough: Int64, now: Int64) {
    self.thousandths = thousandths
    self.most = most * 1000
    self.enough = min(enough, most) * 1000
    balance = most * 1000
    updated = now
  }

  /// How long it takes until there is some, in nanoseconds; 0 if there is.
  mutating func wait(now: Int64) -> Int64 {
    earn(now)
    if isSpent && balance >= enough { isSpent = false }
    return isSpent ? (enough - balance) / thousandths + 1 : 0
  }

  /// Spends so many nanoseconds, also those that it lacks: they are waited for.
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

  /// More than any work takes: no clock makes it overflow.
  private static let mostSpent: Int64 = 60_000_000_000
  private static let mostElapsed: Int64 = 3_600_000_000_000

  private mutating func earn(_ now: Int64) {
    guard now > updated else { return }
    let elapsed = now.subtractingReportingOverflow(updated)
    updated = now
    balance = min(balance + min(elapsed.overflow ? .max : elapsed.partialValue, Self.mostElapsed) * thousandths, most)
  }
}
