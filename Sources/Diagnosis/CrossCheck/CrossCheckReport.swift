internal import Formatting
internal import RAPL

/// How our measurement compares with one reference.
public struct CrossCheckReport: Sendable, Equatable {
  /// The reference's name.
  public let reference: String
  /// Each channel that both have, and the sum of all packages if there are several.
  public let comparisons: [Comparison]
  /// Channels that only one side has.
  public let unmatched: [String]
  /// The greatest time between our nearest reading and the end of a window of the reference, in milliseconds.
  public let apartMilliseconds: Double
  /// The outcome.
  public let verdict: CrossCheckVerdict

  /// Judges comparisons.
  ///
  /// - Parameters:
  ///   - missingPackages: packages that only one side has, each a sentence.
  ///   - trouble: what is wrong with the reference, if it gave nothing to compare.
  init(
    reference: String, comparisons: [Comparison], unmatched: [String] = [], missingPackages: [String] = [],
    apartMilliseconds: Double, tolerancePercent: Double, trouble: String?
  ) {
    self.reference = reference
    self.comparisons = comparisons
    self.unmatched = unmatched
    self.apartMilliseconds = apartMilliseconds
    verdict = CrossCheckJudge(reference: reference, tolerancePercent: tolerancePercent)
      .verdict(comparisons, missingPackages: missingPackages, trouble: trouble)
  }
}

extension Comparison {
  /// "package 0 DRAM", or "all packages".
  var name: String { channel.map { "\($0)" } ?? "all packages" }
}

/// A number with this many digits after the point.
func fixed(_ number: Double, places: Int = 2) -> String { Numbers.fixed(number, places: places) }

/// The same with its sign, including plus.
func signed(_ number: Double) -> String { (number < 0 ? "" : "+") + fixed(number) }
