/// The line of what stands out in the time that the graph shows.
enum SpanLine {
  /// As much as fits; numbers whole or not at all.
  ///
  /// - Parameter seconds: how long the graph's time is.
  static func line(_ span: Span?, seconds: Double, hasEnergy: Bool, width: Int) -> StyledLine {
    guard let span else {
      return StyledLine(Words.first(of: ["Nothing was measured in this time."], fitting: width), .faint)
    }
    let isWhole = span.measuredSeconds >= 0.95 * seconds
    let measured = isWhole ? "" : ", \(Numbers.duration(span.measuredSeconds)) measured"
    let watts =
      [("min", span.leastWatts), ("mean", span.meanWatts), ("max", span.mostWatts)]
      .map { "\($0) \(Numbers.fixed($1, places: 2))" }.joined(separator: "   ") + " W"
    let joules = hasEnergy ? "   " + Numbers.joules(span.joules) : ""
    let time = "last \(Numbers.duration(seconds))\(measured)"
    return StyledLine(
      Words.first(of: ["\(time)   \(watts)\(joules)", "\(watts)\(joules)", watts], fitting: width))
  }
}
