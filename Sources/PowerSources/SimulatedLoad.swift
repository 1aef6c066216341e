internal import RAPL

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

/// The load of a desktop: straight lines from level to level, through a cycle of slots.
public struct DesktopLoad: Sendable {
  private static let idleWatts = 6.0
  private static let busyWatts = 65.0
  private static let slotSeconds = 2.0
  private static let slots = 64

  /// At the start of each slot, and at the end of the last: between 0 (idle) and 1 (busy).
  private let levels: [Double]
  /// The area below the levels, up to the start of each slot; the last is that of a whole cycle.
  private let areas: [Double]

  /// The load for a seed.
  public init(seed: UInt64) {
    let levels = (0...Self.slots).map { Self.level($0, seed) }
    var areas = [0.0]
    for slot in 0..<Self.slots { areas.append(areas[slot] + (levels[slot] + levels[slot + 1]) / 2) }
    self.levels = levels
    self.areas = areas
  }

  /// Joules since the start.
  ///
  /// - Parameter seconds: time since the start, 0 or more.
  public func joules(seconds: Double) -> Double {
    let cycle = Self.slotSeconds * Double(Self.slots)
    let cycles = (seconds / cycle).rounded(.down)
    let position = (seconds - cycles * cycle) / Self.slotSeconds
    let slot = min(max(Int(clamping: position), 0), Self.slots - 1)
    let fraction = position - Double(slot)
    let start = levels[slot]
    let rise = levels[slot + 1] - start
    let passed = cycles * areas[Self.slots] + areas[slot] + start * fraction + rise * fraction * fraction / 2
    return Self.idleWatts * seconds + (Self.busyWatts - Self.idleWatts) * Self.slotSeconds * passed
  }

  /// Two thirds light, a quarter medium, the rest heavy.
  private static func level(_ index: Int, _ seed: UInt64) -> Double {
    let kind = noise(UInt64(index % slots), seed)
    let amount = noise(UInt64(index % slots), seed &+ 1)
    return switch kind {
    case ..<0.66: 0.02 + 0.1 * amount
    case ..<0.91: 0.2 + 0.3 * amount
    default: 0.7 + 0.3 * amount
    }
  }
}
