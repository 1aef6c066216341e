internal import Formatting

/// The line of what stands out in the time that the graph shows.
enum SpanLine {
  /// As much as fits; numbers whole or not at all.
  ///
  /// - Parameter seconds: how long the graph's time is.
  static func line(_ span: Span?, seconds: Double, hasEnergy: Bool, width: Int) -> StyledLine {
    guard let span else {
      return StyledLine(Words.first(of: ["Nothing was measured in this time."], fitting: width), .faint)
    }
    // What was not measured is in none of the numbers.
    let isWhole = span.measuredSeconds >= 0.95 * seconds
    let time =
      (isWhole ? "last " : "\(Numbers.duration(span.measuredSeconds)) of the last ") + Numbers.duration(seconds)
    let watts =
      [("min", span.leastWatts), ("mean", span.meanWatts), ("max", span.mostWatts)]
      .map { "\($0) \(Numbers.fixed($1, places: 2))" }.joined(separator: "   ") + " W"
    let joules = hasEnergy ? "   " + Numbers.joules(span.joules) : ""
    return StyledLine(
      Words.first(of: ["\(time)   \(watts)\(joules)", "\(watts)\(joules)", watts], fitting: width))
  }
}
