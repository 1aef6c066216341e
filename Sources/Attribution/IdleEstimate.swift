/// Learns what the packages draw with nothing to do, from windows in which the CPUs were busy to different degrees.
///
/// What is sure is a range. Idle power is not more than the lowest watts of any window. And it is not less than a window's watts
/// without what the CPU time of that window may have drawn, which is at most `mostWattsOfCPU` for each busy CPU: this says much of
/// a window with nearly no CPU time, and nothing of a busy one.
///
/// Within the range there is an estimate, which may be wrong by as much as the range is wide. Once the load has changed, it is the
/// straight line of watts over busy CPUs, by least squares, at no busy CPU. It is right if a second of CPU time always draws the
/// same. Until then it is a guess.
///
/// A service remembers the watts of the time before the first window, but nobody the load. So its lowest watts only bound the
/// range from above.
public struct IdleEstimate: Sendable {
  /// What is known of idle power.
  public struct Power: Sendable, Equatable {
    /// The estimate, in watts.
    public var watts: Double
    /// It is not less, in watts.
    public var leastWatts: Double
    /// It is not more, in watts.
    public var mostWatts: Double
    /// Whether nothing speaks for the estimate but that it is possible.
    public var isGuess: Bool
  }

  /// A busy CPU adds less than this to what the packages draw: an assumption, with room. The first one adds most, because the
  /// whole package wakes up with it.
  static let mostWattsOfCPU = 100.0
  /// CPU time is known to a tick of the kernel's, in seconds.
  private static let tick = 0.01
  /// What an idle machine draws as a part of what it draws with all CPUs busy: a guess.
  private static let guessedPart = 0.2
  /// Older windows count less for the line: this much from one to the next, so that about the last 1,000 count.
  private static let memory = 0.999
  private static let fewestWindows = 8.0
  /// How much of the watts' variance a line has to explain.
  private static let leastExplained = 0.9

  private var lowest: (watts: Double, busyShare: Double)?
  private var rememberedWatts: Double?
  /// Of the window that says most from below: its bound, and its watts.
  private var quietest = (least: 0.0, watts: 0.0)
  private var weight = 0.0
  private var windows = 0.0
  private var meanBusy = 0.0
  private var meanWatts = 0.0
  private var squares = 0.0
  private var products = 0.0
  private var wattSquares = 0.0

  /// Nothing is known yet.
  public init() {}

  /// Takes in a window of a length in seconds.
  ///
  /// - Parameter busyCPUs: seconds of CPU time for each second.
  public mutating func add(watts: Double, seconds: Double, busyCPUs: Double, cpus: Int) {
    guard watts.isFinite, busyCPUs.isFinite, watts >= 0, busyCPUs >= 0, seconds > 0 else { return }
    if watts < lowest?.watts ?? .infinity { lowest = (watts, min(busyCPUs / Double(max(cpus, 1)), 1)) }
    let least = watts - Self.mostWattsOfCPU * (busyCPUs + Self.tick / seconds)
    if least > quietest.least { quietest = (least, watts) }
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

  /// What is known now; nil before the first window.
  public var power: Power? {
    guard let lowest else { return nil }
    let most = min(lowest.watts, rememberedWatts ?? .infinity)
    // If the bounds exclude each other, idle power itself has changed, and was between them and the quietest window's watts.
    let range = quietest.least <= most ? quietest.least...most : most...quietest.watts
    let line = line(surerThan: (range.upperBound - range.lowerBound) / 2)
    // The lowest watts of a whole day are probably nearly idle.
    let guess = min(most, lowest.watts / (1 + lowest.busyShare * (1 / Self.guessedPart - 1)))
    return Power(
      watts: min(max(line ?? guess, range.lowerBound), most), leastWatts: range.lowerBound,
      mostWatts: range.upperBound, isGuess: line == nil && range.lowerBound == 0 && range.upperBound > 0)
  }

  /// The line's watts at no busy CPU; nil if they are not surer than this, in watts.
  private func line(surerThan uncertainty: Double) -> Double? {
    guard windows >= Self.fewestWindows else { return nil }
    // CPU time is wrong by a few ticks in each window, and by more if this program itself had to wait between its readings. If that
    // is much of what the load seems to change by, the line is too flat and idle power too high, however small its errors seem to
    // be. Then watts do not follow CPU time.
    let deviation = (squares / weight).squareRoot()
    let slope = products / squares
    guard deviation >= max(0.1, meanBusy / 10), slope > 0, slope * products >= Self.leastExplained * wattSquares else {
      return nil
    }
    let residual = max(wattSquares - slope * products, 0) / (weight - 2)
    let error = (residual * (1 / weight + meanBusy * meanBusy / squares)).squareRoot()
    return 2 * error < uncertainty ? meanWatts - slope * meanBusy : nil
  }
}
