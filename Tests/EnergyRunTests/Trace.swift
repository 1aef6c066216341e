import PowerProtocol
import RAPL

@testable import EnergyRun

/// A machine whose power is known at every moment.
struct Trace {
  static let exact = policy(isTrusted: true)
  static let everybody = policy(isTrusted: false)

  static func policy(isTrusted: Bool, joulesResolution: Double? = nil) -> Policy {
    let resolution = isTrusted ? nil : 0.01
    return Policy(
      isTrusted: isTrusted, trustedGroup: "pkg-watt-stat", shortestIntervalSeconds: isTrusted ? 0.01 : 0.25,
      wattsResolution: resolution, joulesResolution: joulesResolution ?? resolution)
  }

  /// Joules drawn from second 0 to a moment.
  var joules: (Double) -> Double

  /// The same power all the time.
  static func constant(_ watts: Double) -> Trace { Trace { watts * $0 } }

  /// Each 10 ms another power, mostly low, now and then very high.
  static func bursts(_ random: inout some RandomNumberGenerator) -> Trace {
    let slices = (0..<2000).map { _ in Double.random(in: 0...1, using: &random) < 0.1 ? 3.0 : 0.05 }
    var sums = [0.0]
    for slice in slices { sums.append((sums.last ?? 0) + slice) }
    return Trace { [sums, slices] seconds in
      let index = min(Int(seconds * 100), slices.count - 1)
      return sums[index] + slices[index] * (seconds * 100 - Double(index))
    }
  }

  /// What a service tells at a moment, rounded as it does.
  func point(_ seconds: Double, window: Double = 0.25, rounding: Double = 0) -> EnergyPoint {
    var joules = joules(seconds)
    if rounding > 0 { joules = (joules / rounding).rounded() * rounding }
    return EnergyPoint(seconds: seconds, windowStart: seconds - window, joules: [.total: joules])
  }

  /// A tally of readings at these moments.
  func tally(_ moments: [Double], window: Double = 0.25, rounding: Double = 0) -> EnergyTally {
    var tally = EnergyTally(from: point(moments[0], rounding: rounding), windowSeconds: window)
    for (before, moment) in zip(moments, moments.dropFirst()) {
      tally.add(point(moment, window: moment - before, rounding: rounding))
    }
    return tally
  }
}

/// Always the same numbers for the same seed (SplitMix64).
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
