extension FixedWidthInteger {
  /// The integer part of a number, like `Self(number)`, but for every number: one beyond either bound gives that bound, and NaN
  /// gives 0. It never traps.
  @inlinable
  public init(clamping number: Double) {
    self = Self(exactly: number.rounded(.towardZero)) ?? (number > 0 ? .max : number < 0 ? .min : 0)
  }
}

extension Int64 {
  /// Nanoseconds in this many seconds, for sums with the time of any clock: beyond 73 years in either direction it gives these,
  /// and NaN gives 0.
  @inlinable
  public init(nanosecondsIn seconds: Double) {
    let most = Int64.max / 4
    self = Swift.min(Swift.max(Int64(clamping: seconds * 1e9), -most), most)
  }
}
