package import RAPL

extension PowerWindow {
  /// The window in numbers, rounded according to the policy.
  ///
  /// - Parameters:
  ///   - domains: whether with domains.
  ///   - cost: the cost of the service itself.
  package func report(
    sequence: Int, status: PowerLine.Status, reason: String?, policy: Policy, domains: Bool, cost: SampleReport.Cost
  ) -> SampleReport {
    let round = Rounding(policy)
    var packages: [SampleReport.Package] = []
    var joules = 0.0
    var losses: UInt32 = 0
    var rejections = 0
    for index in end.readings.indices {
      let reading = end.readings[index]
      rejections += Int(reading.rejections)
      let total = reading.unit.joules(reading.counts)
      guard reading.domain == .package else {
        guard domains, let owner = packages.firstIndex(where: { $0.id == reading.package }) else { continue }
        packages[owner].domains[reading.domain] = SampleReport.Domain(
          watts: domainWatts(of: index).map(round.watts), joules: round.joules(total), isLowerBound: reading.losses > 0)
        continue
      }
      joules += total
      losses |= reading.losses
      packages.append(
        SampleReport.Package(
          id: reading.package, watts: round.watts(watts(of: index)), joules: round.joules(total),
          isLowerBound: reading.losses > 0)
      )
    }
    return SampleReport(
      sequence: sequence, unixSeconds: round.seconds(sample.endUnixNanoseconds),
      monotonicSeconds: round.seconds(sample.endMonotonicNanoseconds),
      windowSeconds: round.seconds(sample.windowNanoseconds), watts: round.watts(sample.watts),
      joules: round.joules(joules), isLowerBound: losses > 0, status: status, reason: reason,
      rejectedReadings: rejections, packages: packages, service: cost)
  }

  /// A domain's mean, or nil if one end of the window could not be read, or energy was lost in it.
  private func domainWatts(of index: Int) -> Double? {
    guard index < start.readings.count else { return nil }
    let (before, after) = (start.readings[index], end.readings[index])
    let nanoseconds = after.monotonicNanoseconds - before.monotonicNanoseconds
    // If a domain was left out in between, others take its place.
    guard before.package == after.package, before.domain == after.domain, before.isGood, after.isGood,
      before.losses == after.losses, nanoseconds > 0
    else { return nil }
    // A platform never draws nothing: its counter has not moved yet.
    if after.domain == .psys, after.counts == before.counts { return nil }
    return watts(of: index)
  }
}

extension EnergyReading {
  fileprivate var isGood: Bool {
    switch outcome {
    case .failed, .read(.implausible): false
    case .read: true
    }
  }
}

/// Rounds numbers that a connection may not know exactly.
package struct Rounding {
  private let wattSteps: Double?
  private let jouleSteps: Double?
  private let isExact: Bool

  /// The rounding that a connection's policy asks for.
  package init(_ policy: Policy) {
    wattSteps = policy.wattsResolution.map { (1 / $0).rounded() }
    jouleSteps = policy.joulesResolution.map { (1 / $0).rounded() }
    isExact = policy.isTrusted
  }

  /// Watts as the connection may know them.
  package func watts(_ watts: Double) -> Double { Self.round(watts, steps: wattSteps) }

  /// Joules as the connection may know them.
  package func joules(_ joules: Double) -> Double { Self.round(joules, steps: jouleSteps) }

  /// Nanoseconds as seconds, rounded to the millisecond or exact.
  package func seconds(_ nanoseconds: Int64) -> Double {
    isExact ? Double(nanoseconds) / 1e9 : (Double(nanoseconds) / 1e6).rounded() / 1e3
  }

  private static func round(_ number: Double, steps: Double?) -> Double {
    steps.map { (number * $0).rounded() / $0 } ?? number
  }
}
