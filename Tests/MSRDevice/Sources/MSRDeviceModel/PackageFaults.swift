internal import PowerSources

/// What is wrong with one package's energy registers.
struct PackageFaults {
  /// The registers that a package's faults hold for: its energy by Intel's address and by AMD's.
  static let addresses: [UInt32] = [0x611, 0xC001_029B]

  /// How many reads of these registers were asked for, failed ones included.
  private(set) var reads = 0
  private var counters: [UInt32: ShiftedCounter] = [:]
  private var zeros = Switch.Duration.off
  private var errors = Switch.Duration.off

  /// Reads one of the registers, while it would show `truth` without faults. A failing read comes before a zero one.
  mutating func read(_ address: UInt32, cpu: Int, truth: UInt32) throws(RegisterError) -> UInt32 {
    reads += 1
    if errors.takeRead() { throw .absent(address: address, cpu: cpu) }
    if zeros.takeRead() { return 0 }
    return counters[address, default: ShiftedCounter()].value(truth)
  }

  /// Reads give 0 for so long.
  mutating func zero(_ duration: Switch.Duration) { zeros = duration }

  /// Reads fail with EIO for so long.
  mutating func fail(_ duration: Switch.Duration) { errors = duration }

  /// Both counters jump to a value.
  mutating func set(_ value: UInt32, truth: (UInt32) -> UInt32) {
    for address in Self.addresses { counters[address, default: ShiftedCounter()].set(value, truth: truth(address)) }
  }

  /// Both counters stand still, or go on from where they stand.
  mutating func freeze(_ on: Bool, truth: (UInt32) -> UInt32) {
    for address in Self.addresses {
      var counter = counters[address, default: ShiftedCounter()]
      if on { counter.freeze(truth: truth(address)) } else { counter.thaw(truth: truth(address)) }
      counters[address] = counter
    }
  }
}

extension Switch.Duration {
  /// Whether the fault holds for one read more, which is then used up.
  fileprivate mutating func takeRead() -> Bool {
    switch self {
    case .off: return false
    case .on: return true
    case .reads(let count):
      self = count > 1 ? .reads(count - 1) : .off
      return true
    }
  }
}
