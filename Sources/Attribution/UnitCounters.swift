internal import RAPL

/// The energy of the units that draw most, as counters for a program that reads them from time to time, such as Prometheus.
///
/// Each window's energy is split among the rows, so what they gain adds up exactly to what the packages gain. A unit's counter gains
/// only if the unit is shown at the beginning and at the end of a window; else `other` gains its energy. So a unit that is newly shown begins at 0, and one that was shown
/// before goes on where it stopped: no counter goes back, and no energy counts twice. Only some of the units that are no longer shown
/// are remembered. One that was forgotten begins at 0 again, which Prometheus takes for the restart of a counter that has gained
/// nothing yet.
///
/// What a unit draws is its energy of the last minutes. To lose its place a unit must be beaten by a quarter, so that units that draw
/// alike do not take turns.
public struct UnitCounters: Sendable, Equatable {
  /// A row.
  public struct Row: Sendable, Equatable {
    /// What rows stand for.
    public enum Kind: String, Sendable {
      /// A unit.
      case unit
      /// All units that are not shown.
      case other
      /// What is drawn with nothing to do.
      case idle
      /// Interrupts, and whatever else belongs to no unit.
      case notAttributed = "not_attributed"
    }

    /// What it stands for.
    public var kind: Kind
    /// The unit's name: any characters; nil if the row is no unit.
    public var name: String?
    /// The path of its cgroup, which tells apart units of the same name; nil if the row is no unit.
    public var cgroup: String?
    /// The counter, in microjoules.
    public var microjoules: Int64 = 0
    /// The mean of the latest window, in steps of 10 mW; nil before the first window.
    public var centiwatts: Int64?
  }

  /// The counter of a unit that is no longer shown.
  private struct Memory: Equatable {
    var microjoules: Int64
    /// The number of the window since which it is not shown.
    var since: Int
  }

  /// Energy counts for about this time in what a unit draws, in seconds.
  private static let memorySeconds = 300.0
  private static let hysteresis = 1.25

  private let mostUnits: Int
  private let mostRemembered: Int
  /// Those that draw most first.
  private var shown: [Row] = []
  private var others = [Row.Kind.other, .idle, .notAttributed].map { Row(kind: $0) }
  /// What each unit has drawn lately, in microjoules.
  private var scores: [String: Double] = [:]
  private var remembered: [String: Memory] = [:]
  private var windows = 0

  /// The length of the latest window, in seconds; nil before the first one.
  public private(set) var windowSeconds: Double?

  /// Counters at 0.
  ///
  /// - Parameters:
  ///   - mostUnits: how many units are shown.
  ///   - mostRemembered: how many units that are no longer shown are remembered.
  public init(mostUnits: Int, mostRemembered: Int = 1000) {
    (self.mostUnits, self.mostRemembered) = (max(mostUnits, 0), max(mostRemembered, 0))
  }

  /// How many units are remembered: those that are no longer shown, and those of which it is known what they draw.
  var memory: (units: Int, scores: Int) { (remembered.count, scores.count) }

  /// The units that are shown, then `other`, `idle` and `not attributed`.
  public var rows: [Row] { shown + others }

  /// Takes in the latest window of a ledger of units.
  public mutating func take(_ ledger: EnergyLedger, _ window: EnergyWindow) {
    restartIfLarge()
    windows += 1
    windowSeconds = window.seconds
    let energies = ledger.entries.mapValues(\.windowMicrojoules)
    score(ledger, energies, seconds: window.seconds)
    let before = Set(shown.compactMap(\.cgroup))
    choose(ledger)
    // Who reads the counters sees what a unit has gained only if the unit was shown before and still is.
    let gains = split(energies) { before.contains($0) }
    let weights = split(energies) { _ in true }
    var parts = apportion(window.centiwatts, by: weights) ?? []
    // If nothing was counted, the watts belong to nobody.
    if parts.isEmpty { parts = weights.dropLast().map { _ in 0 } + [window.centiwatts] }
    for place in shown.indices {
      shown[place].microjoules += gains[place]
      shown[place].centiwatts = parts[place]
    }
    for place in others.indices {
      others[place].microjoules += gains[shown.count + place]
      others[place].centiwatts = parts[shown.count + place]
    }
  }

  /// Takes in energy of which it is not known who drew it.
  public mutating func take(unattributedJoules joules: Double) {
    restartIfLarge()
    others[2].microjoules += min(max(Int64(clamping: (joules * 1e6).rounded()), 0), EnergyCourse.mostMicrojoules)
  }

  /// Far from overflow, all counters begin at 0 again: no real machine gets here.
  private mutating func restartIfLarge() {
    guard rows.contains(where: { $0.microjoules > .max / 4 }) else { return }
    self = UnitCounters(mostUnits: mostUnits, mostRemembered: mostRemembered)
  }

  /// A window's energy for each row.
  ///
  /// - Parameter counts: whether a unit that is shown gets its own; else `other` gets it.
  private func split(_ energies: [RowID: Int64], where counts: (String) -> Bool) -> [Int64] {
    let units = shown.map { row in
      row.cgroup.flatMap { counts($0) ? energies[.unit($0)] : nil } ?? 0
    }
    let (idle, nobody) = (energies[.idle] ?? 0, energies[.notAttributed] ?? 0)
    return units + [energies.values.reduce(0, +) - units.reduce(0, +) - idle - nobody, idle, nobody]
  }

  /// Lets older energy count less.
  private mutating func score(_ ledger: EnergyLedger, _ energies: [RowID: Int64], seconds: Double) {
    let before = scores
    scores = [:]
    for case .unit(let path) in ledger.about.keys {
      let old = (before[path] ?? 0) * Self.memorySeconds / (Self.memorySeconds + max(seconds, 0))
      scores[path] = old + Double(energies[.unit(path)] ?? 0)
    }
  }

  /// Chooses the units that are shown from now on: all that have drawn something, or those that draw most.
  private mutating func choose(_ ledger: EnergyLedger) {
    let before = Dictionary(shown.map { ($0.cgroup ?? "", $0) }) { first, _ in first }
    let ranked = scores.filter { $0.value > 0 }
      .map { (path: $0.key, rank: $0.value * (before[$0.key] == nil ? 1 : Self.hysteresis)) }
      .sorted { ($1.rank, $0.path) < ($0.rank, $1.path) }
    shown = ranked.prefix(mostUnits).map { path, _ in
      let memory = remembered.removeValue(forKey: path)
      // Labels do not change while a unit is shown.
      return before[path]
        ?? Row(
          kind: .unit, name: ledger.about[.unit(path)]?.name ?? path, cgroup: path,
          microjoules: memory?.microjoules ?? 0)
    }
    let now = Set(shown.compactMap(\.cgroup))
    for (path, row) in before where !now.contains(path) {
      remembered[path] = Memory(microjoules: row.microjoules, since: windows)
    }
    let excess = remembered.count - mostRemembered
    guard excess > 0 else { return }
    let oldest = remembered.sorted { ($0.value.since, $0.key) < ($1.value.since, $1.key) }.prefix(excess)
    for (path, _) in oldest { remembered[path] = nil }
  }
}
