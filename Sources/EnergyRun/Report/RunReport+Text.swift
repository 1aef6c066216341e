internal import Formatting
internal import Glibc
internal import PowerProtocol
internal import RAPL

extension RunReport {
  /// The report as a readable table with notes.
  public var text: String {
    // The notes may contain paths and names from outside.
    ([title] + table + notes.map(\.harmless)).joined(separator: "\n")
  }

  private var title: String {
    let name = Self.readable(command)
    guard let last = runs.last else { return "\(name): not run" }
    let seconds = self.seconds
    guard wantedRuns > 1 else { return "\(name): \(last.end) after \(fixed(seconds.mean, 3)) s" }
    let runs = runs.count == wantedRuns ? "\(wantedRuns) runs" : "\(runs.count) of \(wantedRuns) runs"
    let deviation = seconds.deviation.map { " (standard deviation \(fixed($0, 3)) s)" } ?? ""
    return "\(name): \(runs), mean \(fixed(seconds.mean, 3)) s\(deviation); \(last.end)"
  }

  private var table: [String] {
    let all = summaries
    // With a single package the total is that package again.
    let hasTotal = all.count { if case .part(let part) = $0.channel { part.domain == .package } else { false } } > 1
    let shown = all.filter { hasTotal || $0.channel != .total }
    guard !shown.isEmpty else { return [] }
    let hasDeviation = measured.count > 1
    let isTooShort = isTooShort
    func least(_ summary: ChannelSummary) -> String { summary.isLowerBound ? "at least " : "" }
    func rounded(_ estimate: Estimate, _ unit: String) -> String {
      Self.rounded(estimate.value, estimate.uncertainty, unit, finest: 3)
    }
    let columns: [(title: String, isShown: Bool, cell: (ChannelSummary) -> String)] = [
      ("energy", true, { least($0) + Self.rounded($0.joules.mean, $0.uncertaintyJoules, "J", finest: 3) }),
      ("deviation", hasDeviation, { Self.rounded($0.joules.deviation, "J", finest: 3) }),
      (
        "mean power", true,
        {
          isTooShort
            ? "too short to tell" : least($0) + Self.rounded($0.watts.mean, $0.uncertaintyWatts, "W", finest: 3)
        }
      ), ("deviation", hasDeviation, { Self.rounded(isTooShort ? nil : $0.watts.deviation, "W", finest: 3) }),
      ("peak", true, { $0.peakWatts.map { fixed($0, 1) + " W" } ?? "-" }),
      ("idle", idle != nil, { $0.idleWatts.map { rounded($0, "W") } ?? "-" }),
      ("energy above idle", idle != nil, { all in all.aboveIdleJoules.map { least(all) + rounded($0, "J") } ?? "-" }),
    ].filter(\.isShown)
    let rows = shown.map { channel, summary in [Self.label(channel)] + columns.map { $0.cell(summary) } }
    return Columns.aligned([[""] + columns.map(\.title)] + rows)
  }

  private var notes: [String] {
    var notes: [String] = []
    if info.isSimulated { notes.append("Simulated: the service invents these numbers.") }
    notes += problems
    let measured = measured
    if measured.contains(where: { $0.channels.values.contains { $0.isLowerBound } }) {
      notes.append(
        "At least: some energy could not be counted, because a counter was reset or the machine slept.")
    }
    if !measured.isEmpty {
      notes += info.policy.isTrusted ? exactly(measured) : roughly(measured)
      if isTooShort {
        notes.append("Too short to tell: in so short a run the mean power may be off by more than 100 %.")
      }
      notes.append("Peak: the highest mean over \(windows).")
    }
    if let idle {
      notes.append("Idle: measured for \(fixed(idle.seconds, 1)) s before the command; +- is how much it varied.")
      if summaries.contains(where: { $0.summary.aboveIdleJoules.map { $0.value < 0 } ?? false }) {
        notes.append("Negative: the machine drew more while idle was measured. Measure idle for longer.")
      }
    }
    if let stopped { notes.append(stopped) }
    return notes
  }

  /// The notes for exact readings: how near to the command's start and end they were.
  private func exactly(_ runs: [RunEnergy]) -> [String] {
    let before = Spread(runs.map { $0.beforeSeconds * 1000 }).highest
    let after = Spread(runs.map { $0.afterSeconds * 1000 }).highest
    return [
      "The readings begin \(runs.count > 1 ? "at most " : "")\(fixed(before, 1)) ms before the command and end "
        + "\(fixed(after, 1)) ms after it; +- covers the energy of these times, and the counters' steps."
    ]
  }

  /// The notes for readings in windows on the public grid.
  private func roughly(_ runs: [RunEnergy]) -> [String] {
    return [
      runs.contains(where: \.isGuess)
        ? "The command was too short for windows of \(windows), so its part of their energy is a guess; +- covers all of it."
        : "The first and last window of \(windows) reach beyond the command; +- covers the energy of these two.",
      info.policy.trustedGroup.map { "Root and members of the group \($0) get exact readings." }
        ?? "Root gets exact readings.",
    ]
  }

  private static func label(_ channel: EnergyChannel) -> String {
    guard case .part(let part) = channel else { return "all packages" }
    return switch part.domain {
    case .package: "\(part.package)"
    case .core, .uncore: "  of which \(part.domain)"
    case .psys: "  whole platform (psys)"
    case .dram: "  plus \(part.domain)"
    }
  }

  /// How long the windows were: "0.25 s", or a range if readings were missing.
  private var windows: String {
    let longest = measured.map(\.longestWindowSeconds).max() ?? 0
    return fixed(windowSeconds, 2) + (longest > 1.5 * windowSeconds ? " to \(fixed(longest, 2)) s" : " s")
  }

  /// A command for one line of a terminal: without control characters, and not too long.
  private static func readable(_ words: [String]) -> String {
    let text = words.joined(separator: " ").harmless
    return text.unicodeScalars.count > 60 ? String(text.unicodeScalars.prefix(57)) + "..." : text
  }
}

extension RunReport {
  /// A number with as many digits as its uncertainty leaves meaning to: two of the uncertainty's own.
  ///
  /// - Parameter finest: digits behind the point, at most.
  static func rounded(_ value: Double, _ uncertainty: Double, _ unit: String, finest: Int) -> String {
    let places = places(uncertainty, finest: finest)
    return "\(Numbers.fixed(value, places: places)) +- \(Numbers.fixed(uncertainty, places: places)) \(unit)"
  }

  /// A deviation, with two digits; "-" if it is unknown.
  static func rounded(_ deviation: Double?, _ unit: String, finest: Int) -> String {
    guard let deviation else { return "-" }
    return "\(Numbers.fixed(deviation, places: places(deviation, finest: finest))) \(unit)"
  }

  /// Digits behind the point that leave a number two digits.
  private static func places(_ number: Double, finest: Int) -> Int {
    guard number > 0, number.isFinite else { return finest }
    return min(max(1 - Int(clamping: log10(number).rounded(.down)), 0), finest)
  }

  func fixed(_ number: Double, _ places: Int) -> String { Numbers.fixed(number, places: places) }
}
