internal import RAPL

/// Writes numbers and units for people, without a locale and without Foundation.
public enum Numbers {
  /// A number with this many digits after the point, rounded.
  public static func fixed(_ number: Double, places: Int) -> String {
    var scale: Int64 = 1
    for _ in 0..<places { scale *= 10 }
    guard number.isFinite, abs(number) * Double(scale) < 9e18 else { return "\(number)" }
    let scaled = Int64(clamping: (number * Double(scale)).rounded())
    let (whole, rest) = scaled.magnitude.quotientAndRemainder(dividingBy: scale.magnitude)
    let sign = scaled < 0 ? "-" : ""
    guard places > 0 else { return "\(sign)\(whole)" }
    let digits = String(rest)
    return "\(sign)\(whole).\(String(repeating: "0", count: places - digits.count))\(digits)"
  }
}

extension Numbers {
  /// "42.51 W"; large numbers have fewer digits after the point.
  public static func watts(_ watts: Double) -> String {
    fixed(watts, places: abs(watts) < 1000 ? 2 : abs(watts) < 10_000 ? 1 : 0) + " W"
  }

  /// "951.00 J", "12.35 kJ" or "1.50 MJ".
  public static func joules(_ joules: Double) -> String {
    switch abs(joules) {
    case ..<10_000: fixed(joules, places: 2) + " J"
    case ..<10_000_000: fixed(joules / 1e3, places: 2) + " kJ"
    case ..<10_000_000_000: fixed(joules / 1e6, places: 2) + " MJ"
    default: fixed(joules / 1e9, places: 2) + " GJ"
    }
  }

  /// "0.25 s", "72 s", "5 min", "1 h 30 min" or "24 h"; exact to a second from one second up.
  public static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, abs(seconds) < 1e9 else { return "\(seconds) s" }
    guard seconds >= 1, (seconds - seconds.rounded()).magnitude < 0.005 || seconds >= 10 else { return short(seconds) }
    let whole = Int(clamping: seconds.rounded())
    guard whole >= 120 else { return "\(whole) s" }
    let parts = [(whole / 3600, "h"), (whole / 60 % 60, "min"), (whole % 60, "s")].filter { $0.0 > 0 }
    return parts.map { "\($0.0) \($0.1)" }.joined(separator: " ")
  }

  /// Without zeros at the end: "0.5 s", "1.25 s".
  private static func short(_ seconds: Double) -> String {
    plain(seconds, places: abs(seconds) < 0.1 ? 3 : abs(seconds) < 1 ? 2 : 1) + " s"
  }

  /// At most this many digits after the point, without zeros at the end.
  public static func plain(_ number: Double, places: Int) -> String {
    var text = fixed(number, places: places)
    // The zeros of an exponent count.
    guard text.contains("."), !text.contains("e") else { return text }
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text
  }
}

/// `0x611`, the notation of manuals for register addresses.
public func hexadecimal(_ number: some BinaryInteger) -> String {
  "0x" + String(number, radix: 16, uppercase: true)
}

/// The number of a text such as `0x611`; nil for anything else.
public func hexadecimalValue(_ text: some StringProtocol) -> UInt64? {
  text.utf8.starts(with: "0x".utf8) ? UInt64(text.dropFirst(2), radix: 16) : nil
}

/// The value of a hexadecimal digit, in either case; nil for any other character.
public func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
