/// How much a simulated package draws: its energy as a function of time, so that any moment can be asked for.
public enum SimulatedLoad: Sendable {
  /// Always the same watts.
  case constant(watts: Double)
  /// A desktop: mostly idle, now and then busy. The same seed draws the same.
  case desktop(seed: UInt64)

  private static let idleWatts = 6.0
  private static let busyWatts = 65.0
  private static let slotSeconds = 2.0
  private static let slots = 64

  /// Joules since the start.
  ///
  /// - Parameter seconds: time since the start, 0 or more.
  public func joules(seconds: Double) -> Double {
    switch self {
    case .constant(let watts): watts * seconds
    case .desktop(let seed): Self.desktopJoules(seconds: seconds, seed: seed)
    }
  }

  /// The load runs from level to level in straight lines, through a cycle of slots; this is the area below them.
  private static func desktopJoules(seconds: Double, seed: UInt64) -> Double {
    let cycle = slotSeconds * Double(slots)
    let cycles = (seconds / cycle).rounded(.down)
    let position = (seconds - cycles * cycle) / slotSeconds
    let slot = min(Int(position), slots - 1)
    var whole = 0.0
    var passed = 0.0
    for index in 0..<slots {
      let area = (level(index, seed) + level(index + 1, seed)) / 2
      whole += area
      if index < slot { passed += area }
    }
    let fraction = position - Double(slot)
    let start = level(slot, seed)
    let rise = level(slot + 1, seed) - start
    let levels = cycles * whole + passed + start * fraction + rise * fraction * fraction / 2
    return idleWatts * seconds + (busyWatts - idleWatts) * slotSeconds * levels
  }

  /// Between 0 (idle) and 1 (busy): two thirds light, a quarter medium, the rest heavy.
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

/// A number in 0..<1 that looks random and is always the same for the same input (the SplitMix64 finalizer).
func noise(_ input: UInt64, _ seed: UInt64) -> Double {
  var mixed = (input &+ seed &* 0x9E37_79B9_7F4A_7C15) &+ 0x9E37_79B9_7F4A_7C15
  mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
  mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
  mixed ^= mixed >> 31
  return Double(mixed >> 11) / Double(1 << 53)
}
