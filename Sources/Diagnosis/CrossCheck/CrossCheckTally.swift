internal import RAPL

/// The windows of one reference, beside ours.
struct CrossCheckTally {
  private typealias Pair = (ours: Double, reference: Double)

  /// How often a window is looked at again until there are our readings on both sides of its end.
  private let patience: Int

  var reference: any Reference
  private var waiting: [(window: ReferenceWindow, tries: Int)] = []
  private var pairs: [DomainID: [Pair]] = [:]
  private var apartNanoseconds: Int64 = 0

  /// - Parameter isStepping: whether our counters move in steps, so that the next reading takes its time.
  init(_ reference: any Reference, isStepping: Bool = false) {
    self.reference = reference
    patience = isStepping ? 5000 : 50
  }

  /// The number of windows of the package that has fewest.
  var windows: Int {
    pairs.filter { $0.key.domain == .package }.map(\.value.count).min() ?? 0
  }

  /// The latest window of the first package.
  var latest: (ours: Double, reference: Double)? {
    pairs.filter { $0.key.domain == .package }.min { $0.key < $1.key }?.value.last
  }

  /// Compares the windows that have ended with the track of the same time.
  mutating func collect(_ track: EnergyTrack) {
    var left: [(window: ReferenceWindow, tries: Int)] = []
    for (window, tries) in waiting + reference.windows().map({ ($0, 0) }) {
      if let (watts, apart) = track.power(
        of: window.channel, from: window.start, to: window.end, isAsShown: reference.readsAsShown)
      {
        pairs[window.channel, default: []].append((watts, window.watts))
        apartNanoseconds = max(apartNanoseconds, apart)
      } else if tries < patience {
        left.append((window, tries + 1))
      } else if pairs[window.channel] == nil {
        // Only the reference has it; remembered for the report.
        pairs[window.channel] = []
      }
    }
    waiting = left
  }

  /// The report.
  func report(ourChannels: Set<DomainID>, tolerancePercent: Double) -> CrossCheckReport {
    let name = reference.name
    var comparisons: [Comparison] = []
    for channel in pairs.keys.sorted() where ourChannels.contains(channel) {
      if let comparison = Comparison(channel, pairs: pairs[channel] ?? []) {
        comparisons.append(comparison)
      }
    }
    if let sum { comparisons.append(sum) }
    let theirs = Set(pairs.keys)
    let onlyOurs = ourChannels.subtracting(theirs).sorted()
    let onlyTheirs = theirs.subtracting(ourChannels).sorted()
    let missing =
      onlyOurs.filter { $0.domain == .package }.map { "\(name) shows no \($0)." }
      + onlyTheirs.filter { $0.domain == .package }.map { "\(name) shows \($0), and we do not." }
    return CrossCheckReport(
      reference: name, reads: reference.reads, comparisons: comparisons,
      unmatched: (onlyOurs.map { "Not compared: \($0), which \(name) does not show." }
        + onlyTheirs.map { "Not compared: \($0), which only \(name) shows." }),
      missingPackages: missing, apartMilliseconds: Double(apartNanoseconds) / 1e6, tolerancePercent: tolerancePercent,
      trouble: reference.trouble)
  }

  /// All packages together, if there are several with the same windows.
  private var sum: Comparison? {
    let packages = pairs.filter { $0.key.domain == .package && !$0.value.isEmpty }.map(\.value)
    guard packages.count > 1, let count = packages.map(\.count).min(), Set(packages.map(\.count)).count == 1 else {
      return nil
    }
    return Comparison(
      nil,
      pairs: (0..<count).map { index in
        (packages.reduce(0) { $0 + $1[index].ours }, packages.reduce(0) { $0 + $1[index].reference })
      })
  }
}
