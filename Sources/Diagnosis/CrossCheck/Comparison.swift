public import RAPL

/// How the windows of one channel compare.
public struct Comparison: Sendable, Equatable {
  /// Below this many watts on both sides there is nothing to compare: turbostat rounds to 0.01 W.
  static let leastWatts = 0.1
  /// How far a window's ratio may be from a constant one, as a part of the mean.
  static let ratioTolerance = 0.03

  /// The channel; nil for the sum of all packages.
  public let channel: DomainID?
  /// The number of windows.
  public let windows: Int
  /// Our mean, in watts.
  public let ours: Double
  /// The reference's mean, in watts.
  public let reference: Double
  /// The mean difference, in percent of the reference's mean; nil if that is 0.
  public let differencePercent: Double?
  /// Half the width of the 95 % interval of the mean difference, in percent of the reference's mean. It is Student's t for
  /// independent windows.
  public let confidencePercent: Double?
  /// The largest difference of a single window, in percent of that window.
  public let worstPercent: Double?
  /// Our watts divided by the reference's, if that is the same in all windows within 3 %.
  public let constantRatio: Double?

  /// Compares pairs of watts, one pair for each window.
  ///
  /// - Returns: nil for less than two windows, which do not show the spread.
  public init?(_ channel: DomainID?, pairs: [(ours: Double, reference: Double)]) {
    guard pairs.count >= 2 else { return nil }
    let count = Double(pairs.count)
    let meanOurs = pairs.reduce(0) { $0 + $1.ours } / count
    let meanReference = pairs.reduce(0) { $0 + $1.reference } / count
    let mean = meanOurs - meanReference
    let squares = pairs.reduce(0) { sum, pair in
      let deviation = pair.ours - pair.reference - mean
      return sum + deviation * deviation
    }
    let error = (squares / (count - 1) / count).squareRoot()
    let scale = meanReference > 0 ? 100 / meanReference : nil
    let ratio = meanReference > 0 ? meanOurs / meanReference : 0
    let isConstant =
      ratio > 0
      && pairs.allSatisfy { abs($0.ours - ratio * $0.reference) <= Self.ratioTolerance * ratio * meanReference }
    self.channel = channel
    windows = pairs.count
    ours = meanOurs
    reference = meanReference
    differencePercent = scale.map { mean * $0 }
    confidencePercent = scale.map { Self.studentT(degrees: pairs.count - 1) * error * $0 }
    worstPercent =
      pairs.filter { $0.reference > 0 }.map { abs($0.ours - $0.reference) / $0.reference * 100 }.max()
    constantRatio = isConstant ? ratio : nil
  }

  /// Whether both sides are so low that a percentage would be noise.
  public var isTooLittle: Bool { max(ours, reference) < Self.leastWatts }

  /// The 97.5 % quantile of Student's t by the Cornish-Fisher expansion; within 1 % from 3 degrees of freedom up.
  static func studentT(degrees: Int) -> Double {
    switch degrees {
    case ...1: return 12.706
    case 2: return 4.303
    default:
      let z = 1.959964
      let n = Double(degrees)
      let z3 = z * z * z
      let z5 = z3 * z * z
      let z7 = z5 * z * z
      return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n)
        + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n)
    }
  }
}
