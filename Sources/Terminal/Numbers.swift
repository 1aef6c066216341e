internal import RAPL

/// Writes watts for people, without a locale and without Foundation.
public enum Numbers {
  /// A number with so many digits after the point, rounded.
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
