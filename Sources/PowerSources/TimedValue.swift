internal import CMSRShim

/// A counter's value, and the time of the reading.
struct TimedValue {
  /// The tolerance for a read that ends no window yet: that of the shortest window that is ever public, 250 ms (see the PLATYPUS
  /// paper, CVE-2020-8694).
  static let firstToleranceNanoseconds = toleranceNanoseconds(window: 250_000_000)

  /// A read is repeated at most this often to get one that was not interrupted.
  private static let mostTries = 3

  let value: UInt64
  /// The middle of the read.
  let monotonicNanoseconds: Int64
  /// How long the read took: its middle is right within half of that.
  let tookNanoseconds: Int64

  /// How long a read may take before it counts as interrupted: a hundredth of the window that it ends.
  static func toleranceNanoseconds(window: Int64) -> Int64 { window / 100 }

  /// The quickest of a few reads, stamped with its middle.
  ///
  /// - Parameters:
  ///   - tolerance: how many nanoseconds a read may take before it counts as interrupted and is repeated.
  ///   - read: reads the value now.
  static func read<Failure: Error>(
    toleranceNanoseconds tolerance: Int64, _ read: () throws(Failure) -> UInt64
  ) throws(Failure) -> Self {
    var best = try once(read)
    var tries = 1
    while best.tookNanoseconds > tolerance && tries < mostTries {
      // A slow value is better than the error of another try.
      guard let next = try? once(read) else { break }
      if next.tookNanoseconds < best.tookNanoseconds { best = next }
      tries += 1
    }
    return best
  }

  private static func once<Failure: Error>(_ read: () throws(Failure) -> UInt64) throws(Failure) -> Self {
    let before = cmsr_monotonic_nanoseconds()
    let value = try read()
    let took = cmsr_monotonic_nanoseconds() - before
    return Self(value: value, monotonicNanoseconds: before + took / 2, tookNanoseconds: took)
  }
}
