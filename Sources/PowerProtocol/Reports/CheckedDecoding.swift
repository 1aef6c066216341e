internal import Formatting

/// The plausible ranges of a service's numbers. Others are refused in decoding, so that no later code has to check them.
enum Plausible {
  /// Watts: up to a petawatt.
  static let watts = 0.0...1e15
  /// Joules since a start: a petawatt for longer than any service runs.
  static let joules = 0.0...1e24
  /// Seconds between samples: up to the longest subscription, rounded up to what a service can do.
  static let intervalSeconds = 1e-6...100_000.0
  /// The length of a window, in seconds: up to 30 years. A fraction of a millisecond is rounded to 0.
  static let windowSeconds = 0.0...1e9
  /// Seconds since 1970, in years of four digits.
  static let unixSeconds = -1e11...1e11
  /// Seconds of CLOCK_MONOTONIC or of CPU time.
  static let clockSeconds = 0.0...1e10
  /// The time windows of limits, in seconds, which powercap's files may tell with up to 64 bits of microseconds.
  static let limitWindowSeconds = 0.0...1e15
  /// Joules for each count of a counter, and steps of rounding.
  static let steps = 0.0...1e6
  /// Degrees Celsius.
  static let celsius = -1000.0...1000.0
  /// A number of events.
  static let counts = 0...1_000_000_000_000
  /// The number of a package or die.
  static let places = 0...1_000_000
  /// A text is cut after this many characters.
  static let textLength = 2000
}

extension KeyedDecodingContainer {
  /// A number that must lie in a range.
  func number<Number: Decodable & Comparable>(_ key: Key, in range: ClosedRange<Number>) throws -> Number {
    try checked(try decode(Number.self, forKey: key), key, range)
  }

  /// A number that may be missing or null, and otherwise must lie in a range.
  func optionalNumber<Number: Decodable & Comparable>(_ key: Key, in range: ClosedRange<Number>) throws -> Number? {
    try decodeIfPresent(Number.self, forKey: key).map { try checked($0, key, range) }
  }

  /// A text that is safe for a terminal.
  func text(_ key: Key) throws -> String { try decode(String.self, forKey: key).presentable }

  /// A text that may be missing or null, and is safe for a terminal.
  func optionalText(_ key: Key) throws -> String? { try decodeIfPresent(String.self, forKey: key)?.presentable }

  private func checked<Number: Comparable>(_ number: Number, _ key: Key, _ range: ClosedRange<Number>) throws -> Number
  {
    guard range.contains(number) else {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: self, debugDescription: "\(number) is out of range for \(key.stringValue)")
    }
    return number
  }
}

extension String {
  /// Printable, and not too long to read.
  fileprivate var presentable: String {
    let text = printable
    return text.utf8.count <= Plausible.textLength ? text : text.prefix(Plausible.textLength) + "..."
  }
}
