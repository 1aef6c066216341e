internal import PowerProtocol

/// Rounds what a connection may not know exactly.
struct Rounding {
  private let wattSteps: Double?
  private let jouleSteps: Double?
  private let isExact: Bool

  init(_ policy: Policy) {
    wattSteps = policy.wattsResolution.map { (1 / $0).rounded() }
    jouleSteps = policy.joulesResolution.map { (1 / $0).rounded() }
    isExact = policy.isTrusted
  }

  func watts(_ watts: Double) -> Double { Self.round(watts, steps: wattSteps) }

  func joules(_ joules: Double) -> Double { Self.round(joules, steps: jouleSteps) }

  /// Nanoseconds as seconds: to the millisecond, or as they are.
  func seconds(_ nanoseconds: Int64) -> Double {
    isExact ? Double(nanoseconds) / 1e9 : (Double(nanoseconds) / 1e6).rounded() / 1e3
  }

  private static func round(_ number: Double, steps: Double?) -> Double {
    steps.map { (number * $0).rounded() / $0 } ?? number
  }
}
