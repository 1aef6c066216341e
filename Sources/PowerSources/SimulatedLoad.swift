/// The power of a simulated package: its energy as a function of time, for any moment.
public enum SimulatedLoad: Sendable {
  /// Constant power.
  case constant(watts: Double)
  /// Pulses: 25/9 of these watts for the first 0.2 s of each second, 5/9 of them for the rest; the mean is these watts.
  case pulses(watts: Double)
  /// Power that varies.
  case varying(DesktopLoad)

  /// A desktop: mostly idle, sometimes busy. The same seed gives the same power.
  public static func desktop(seed: UInt64) -> Self { .varying(DesktopLoad(seed: seed)) }

  /// Joules since the start.
  ///
  /// - Parameter seconds: time since the start, 0 or more.
  public func joules(seconds: Double) -> Double {
    switch self {
    case .constant(let watts): watts * seconds
    case .pulses(let watts): watts * Self.pulsedSeconds(seconds)
    case .varying(let load): load.joules(seconds: seconds)
    }
  }

  /// How long the mean power of pulses takes to draw the energy that they have drawn.
  private static func pulsedSeconds(_ seconds: Double) -> Double {
    let whole = seconds.rounded(.down)
    let rest = seconds - whole
    return whole + rest * 5 / 9 + min(rest, 0.2) * 20 / 9
  }
}

/// A pseudorandom number in 0..<1 that is always the same for the same input (the SplitMix64 finalizer).
func noise(_ input: UInt64, _ seed: UInt64) -> Double {
  var mixed = (input &+ seed &* 0x9E37_79B9_7F4A_7C15) &+ 0x9E37_79B9_7F4A_7C15
  mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
  mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
  mixed ^= mixed >> 31
  return Double(mixed >> 11) / Double(1 << 53)
}
