internal import Formatting
internal import PowerProtocol
internal import RAPL

/// The second line: how much the packages may draw, and what holds them back.
enum HeadroomLine {
  /// The most that fits: "31 of 45 W; limit 28 W over 28 s; throttled 2.1 s of the last minute: thermal". nil if nothing is known.
  static func text(_ model: WatchModel, width: Int) -> String? {
    guard let report = model.limits.latest, let sample = model.reading?.sample else { return nil }
    let known = [headroom(sample, report), limit(report)].compactMap(\.self)
    // What holds it back is the last to go, and of many reasons the first stays.
    let throttled = throttled(model.limits)
    let candidates = [known + throttled.prefix(1), known.suffix(1) + throttled.prefix(1)] + throttled.map { [$0] }
    let text = Words.first(of: candidates.map { $0.joined(separator: "; ") }, fitting: width)
    return text.isEmpty ? nil : text
  }

  /// The present power of the design power, if all packages tell theirs.
  private static func headroom(_ sample: SampleReport, _ report: LimitsReport) -> String? {
    let powers = sample.packages.map { package in
      report.packages.first { $0.id == package.id }?.limits.tdpWatts.flatMap { $0.isPlausible ? $0.value : nil }
    }
    let known = powers.compactMap(\.self)
    guard !known.isEmpty, known.count == powers.count else { return nil }
    return "\(Numbers.fixed(sample.watts, places: 0)) of \(watts(known.reduce(0, +))) TDP"
  }

  /// The lowest long-term limit that is in force.
  private static func limit(_ report: LimitsReport) -> String? {
    let limits = report.packages.compactMap { package in
      package.limits.limits.first { $0.name == .pl1 && $0.isEnabled != false && $0.watts.isPlausible }
    }
    guard let lowest = limits.min(by: { $0.watts.value < $1.watts.value }) else { return nil }
    let window = lowest.windowSeconds.flatMap { $0.isPlausible ? " over \(Numbers.duration($0.value))" : nil } ?? ""
    let isShared = limits.allSatisfy { $0.watts == lowest.watts }
    let name = limits.count == 1 ? "limit" : isShared ? "limit of each package" : "lowest limit of a package"
    // powercap does not tell a limit that is off from one that is locked.
    let state = lowest.isLocked == true ? ", locked" : lowest.isEnabled == nil ? ", unless it is off" : ""
    return "\(name) \(watts(lowest.watts.value))\(window)\(state)"
  }

  /// How long and why it was throttled: from the longest text to the shortest; none if that is not known.
  private static func throttled(_ track: LimitsTrack) -> [String] {
    let covered = track.coveredSeconds
    guard let seconds = track.throttledSeconds else { return slowedDown(track.reasons) }
    guard covered > 0 else { return [] }
    if seconds < 0.05 { return track.reasons.isEmpty ? ["not throttled"] : slowedDown(track.reasons) }
    let span = covered > 55 ? "minute" : Numbers.duration(covered)
    // Both are rounded, so that nearly all could look like more than all.
    let part = seconds > 0.98 * covered ? "all" : "\(Numbers.fixed(seconds, places: 1)) s"
    let text = "throttled \(part) of the last \(span)"
    return listed(track.reasons).map { "\(text): \($0)" } + [text]
  }

  private static func slowedDown(_ reasons: [LimitReason]) -> [String] { listed(reasons).map { "slowed down: \($0)" } }

  /// All reasons, or the first of several; nothing if there are none.
  private static func listed(_ reasons: [LimitReason]) -> [String] {
    guard let first = reasons.first?.words else { return [] }
    return [reasons.map(\.words).joined(separator: ", ")] + (reasons.count > 1 ? ["\(first), ..."] : [])
  }

  private static func watts(_ watts: Double) -> String { "\(Numbers.plain(watts, places: 1)) W" }
}

extension LimitReason {
  /// In words: "thermal", "PL1".
  var words: String {
    switch self {
    case .prochot, .pl1, .pl2: rawValue.uppercased()
    default: rawValue.replacing("_", with: " ")
    }
  }
}
