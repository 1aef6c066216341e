public import Formatting
internal import PowerProtocol
internal import RAPL

extension RunReport {
  /// The whole report for a program, as one object.
  public var json: JSON {
    let seconds = seconds
    let isTooShort = isTooShort
    let all = summaries.map { ($0.channel, Self.members($0.summary, isTooShort: isTooShort)) }
    return .object([
      ("command", .array(command.map { .string($0) })),
      ("exit_code", .integer(exitCode)), ("source", .string(info.source)),
      ("simulated", .boolean(info.isSimulated)), ("exact", .boolean(info.policy.isTrusted)),
      ("window_seconds", .number(windowSeconds)),
      ("longest_window_seconds", Self.number(measured.map(\.longestWindowSeconds).max())),
      ("idle_seconds", Self.number(idle?.seconds)),
      ("wanted_runs", .integer(wantedRuns)), ("measured_runs", .integer(measured.count)),
      ("seconds", Self.number(runs.isEmpty ? nil : seconds.mean)),
      ("seconds_deviation", Self.number(seconds.deviation)),
      ("problems", .array((problems + (stopped.map { [$0] } ?? [])).map { .string($0) })),
      ("total", all.first { $0.0 == .total }.map { .object($0.1) } ?? .null),
      ("packages", Self.packages(all)),
      ("runs", .array(runs.map(Self.run))),
    ])
  }

  private static func members(_ summary: ChannelSummary, isTooShort: Bool) -> [(String, JSON)] {
    [
      ("joules", number(summary.joules.mean)), ("joules_uncertainty", number(summary.uncertaintyJoules)),
      ("joules_deviation", number(summary.joules.deviation)), ("lower_bound", .boolean(summary.isLowerBound)),
      ("mean_watts", number(isTooShort ? nil : summary.watts.mean)),
      ("mean_watts_uncertainty", number(isTooShort ? nil : summary.uncertaintyWatts)),
      ("mean_watts_deviation", number(isTooShort ? nil : summary.watts.deviation)),
      ("peak_watts", number(summary.peakWatts)),
      ("idle_watts", number(summary.idleWatts?.value)),
      ("idle_watts_uncertainty", number(summary.idleWatts?.uncertainty)),
      ("above_idle_joules", number(summary.aboveIdleJoules?.value)),
      ("above_idle_joules_uncertainty", number(summary.aboveIdleJoules?.uncertainty)),
    ]
  }

  private static func members(_ energy: ChannelEnergy, isTooShort: Bool) -> [(String, JSON)] {
    [
      ("joules", number(energy.joules)), ("joules_uncertainty", number(energy.uncertaintyJoules)),
      ("lower_bound", .boolean(energy.isLowerBound)), ("mean_watts", number(isTooShort ? nil : energy.watts)),
      ("mean_watts_uncertainty", number(isTooShort ? nil : energy.uncertaintyWatts)),
      ("peak_watts", number(energy.peakWatts)),
    ]
  }

  private static func run(_ run: RunOutcome) -> JSON {
    var signal: Double?
    if case .killed(let number) = run.end { signal = Double(number) }
    let members: [(String, JSON)] = [
      ("exit_code", .integer(run.end.exitCode)), ("signal", .optional(signal)), ("seconds", number(run.seconds)),
    ]
    switch run.energy {
    case .failure(let problem): return .object(members + [("problem", .string(problem.afterStart))])
    case .success(let energy):
      let sorted = energy.channels.sorted { $0.key < $1.key }
      let isTooShort = sorted.first.map { $0.value.uncertaintyWatts > $0.value.watts } ?? false
      let all = sorted.map { ($0.key, Self.members($0.value, isTooShort: isTooShort)) }
      return .object(
        members + [
          ("problem", .null), ("seconds_before", number(energy.beforeSeconds)),
          ("seconds_after", number(energy.afterSeconds)), ("guess", .boolean(energy.isGuess)),
          ("total", all.first { $0.0 == .total }.map { .object($0.1) } ?? .null),
          ("packages", packages(all)),
        ])
    }
  }

  /// Packages as in the protocol, with their domains inside.
  private static func packages(_ channels: [(channel: EnergyChannel, members: [(String, JSON)])]) -> JSON {
    .array(
      channels.compactMap { channel, members in
        guard case .part(let whole) = channel, whole.domain == .package else { return nil }
        let domains = channels.compactMap { other, members -> (String, JSON)? in
          guard case .part(let part) = other, part.package == whole.package, part != whole else { return nil }
          return (part.domain.rawValue, .object(members))
        }
        return .object(whole.package.members + members + [("domains", .object(domains))])
      })
  }

  /// Rounded to a millionth: the digits after that are rounding noise.
  private static func number(_ number: Double?) -> JSON {
    .optional(number.map { ($0 * 1e6).rounded() / 1e6 })
  }
}
