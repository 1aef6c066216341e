/// A fault that can be switched at run time: one line of the device's `control` file.
public enum Switch: Equatable, Sendable {
  /// How long a fault lasts.
  public enum Duration: Equatable, Sendable {
    /// So many reads.
    case reads(Int)
    /// Until it is switched off.
    case on
    /// No longer.
    case off
  }

  /// The package's counters restart from 0 and go on.
  case reset(package: Int)
  /// The package's counters jump to a value and go on from there.
  case set(package: Int, value: UInt32)
  /// The next reads of the package's counters give 0.
  case zero(package: Int, Duration)
  /// Reads of the package's counters fail with EIO.
  case eio(package: Int, Duration)
  /// The package's counters stand still, and later go on from where they stood.
  case freeze(package: Int, Bool)
  /// The CPU is offline: opening and reading its node fail with ENXIO.
  case enxio(cpu: Int, Bool)
  /// The traces of planned registers are played from their start, from this time of CLOCK_MONOTONIC on, in nanoseconds.
  case play(at: Int64)

  /// Reads a line such as `eio 0 on`, `zero 1 2` or `set 0 0xFFFF0000`.
  ///
  /// - Returns: nil for anything else.
  public init?(_ line: some StringProtocol) {
    let words = line.split(whereSeparator: \.isWhitespace)
    guard words.count >= 2, let number = Int(words[1]), number >= 0 else { return nil }
    let argument = words.count == 3 ? String(words[2]) : nil
    switch (words[0], words.count, argument) {
    case ("play", 2, _): self = .play(at: Int64(number))
    case ("reset", 2, _): self = .reset(package: number)
    case ("set", 3, let text?):
      guard let value = UInt32(number: text) else { return nil }
      self = .set(package: number, value: value)
    case ("zero", 3, let text?):
      guard let duration = Duration(text) else { return nil }
      self = .zero(package: number, duration)
    case ("eio", 3, let text?):
      guard let duration = Duration(text) else { return nil }
      self = .eio(package: number, duration)
    case ("freeze", 3, "on"), ("freeze", 3, "off"): self = .freeze(package: number, argument == "on")
    case ("enxio", 3, "on"), ("enxio", 3, "off"): self = .enxio(cpu: number, argument == "on")
    default: return nil
    }
  }
}

extension Switch.Duration {
  init?(_ text: String) {
    switch text {
    case "on": self = .on
    case "off": self = .off
    default:
      guard let count = Int(text), count > 0 else { return nil }
      self = .reads(count)
    }
  }
}

extension UInt32 {
  /// A decimal number, or a hexadecimal one behind 0x.
  public init?(number text: String) {
    let isHexadecimal = text.hasPrefix("0x")
    let digits = isHexadecimal ? text.dropFirst(2) : text[...]
    // A sign is no digit, though the initializer takes one.
    guard digits.allSatisfy(\.isHexDigit), let value = UInt32(digits, radix: isHexadecimal ? 16 : 10) else {
      return nil
    }
    self = value
  }
}
