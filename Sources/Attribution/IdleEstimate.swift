/// Learns what the packages draw with nothing to do, from windows in which the CPUs were busy to different degrees.
///
/// There are two estimates, and the surer one counts. The low end: nothing can be idle power that is more than the lowest watts
/// of any window. If a part of the CPUs was busy in that window, the same part of its watts may be for work, so this estimate lies
/// below the lowest watts by that part, and is as unsure as that. The line: the straight line of watts over busy CPUs, by least
/// squares, and its value at no busy CPU, with two standard errors. It needs load that changes.
///
/// A service remembers the watts of the time before the first window, but nobody the load. So its lowest watts only bound the low
/// end from above, and the windows bound it from below.
public struct IdleEstimate: Sendable {
  /// Watts, and how far they may be from the truth.
  public struct Power: Sendable, Equatable {
    /// The watts.
    public var watts: Double
    /// How far they may be from the truth, in watts.
    public var uncertainty: Double
  }

  /// Older windows count less: this much from one to the next, so that about the last 1,000 count.
  private static let memory = 0.999
  private static let fewestWindows = 8.0

  private var lowest: (watts: Double, busyShare: Double)?
  private var rememberedWatts: Double?
  private var weight = 0.0
  private var windows = 0.0
  private var meanBusy = 0.0
  private var meanWatts = 0.0
  private var squares = 0.0
  private var products = 0.0
  private var wattSquares = 0.0

  /// Nothing is known yet.
  public init() {}

  /// Takes in a window.
  ///
  /// - Parameter busyCPUs: seconds of CPU time for each second.
  public mutating func add(watts: Double, busyCPUs: Double, cpus: Int) {
    guard watts.isFinite, busyCPUs.isFinite, watts >= 0, busyCPUs >= 0 else { return }
    if watts < lowest?.watts ?? .infinity { lowest = (watts, min(busyCPUs / Double(max(cpus, 1)), 1)) }
    windows += 1
    weight = weight * Self.memory + 1
    squares *= Self.memory
    products *= Self.memory
    wattSquares *= Self.memory
    let (busy, rest) = (busyCPUs - meanBusy, watts - meanWatts)
    meanBusy += busy / weight
    meanWatts += rest / weight
    squares += busy * (busyCPUs - meanBusy)
    products += busy * (watts - meanWatts)
    wattSquares += rest * (watts - meanWatts)
  }

  /// Takes in the lowest watts of any window before the first one.
  public mutating func remember(lowestWatts watts: Double) {
    guard watts.isFinite, watts >= 0 else { return }
    rememberedWatts = min(rememberedWatts ?? watts, watts)
  }

  /// The present estimate; nil before the first window.
  public var power: Power? {
    guard let lowest else { return nil }
    let lowEnd = lowEnd(lowest)
    guard let line, line.uncertainty < lowEnd.uncertainty else { return lowEnd }
    let most = min(lowest.watts, rememberedWatts ?? .infinity)
    return Power(watts: min(max(line.watts, 0), most), uncertainty: line.uncertainty)
  }

  private func lowEnd(_ lowest: (watts: Double, busyShare: Double)) -> Power {
    let doubt = lowest.watts * lowest.busyShare
    let seen = Power(watts: lowest.watts - doubt, uncertainty: doubt)
    guard let remembered = rememberedWatts, remembered < lowest.watts else { return seen }
    let least = max(seen.watts - seen.uncertainty, 0)
    // Less than the windows allow: idle power itself changes, and is as unsure as the difference.
    guard least < remembered else { return Power(watts: remembered, uncertainty: least - remembered) }
    return Power(watts: (least + remembered) / 2, uncertainty: (remembered - least) / 2)
  }

  private var line: Power? {
    guard windows >= Self.fewestWindows, squares > 0 else { return nil }
    let slope = products / squares
    let residual = max(wattSquares - slope * products, 0) / (weight - 2)
    let error = (residual * (1 / weight + meanBusy * meanBusy / squares)).squareRoot()
    return Power(watts: meanWatts - slope * meanBusy, uncertainty: 2 * error)
  }
}
