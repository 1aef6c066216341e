internal import Formatting
internal import RAPL

/// The line below a graph, and its labels.
enum TimeAxis {
  /// Possible times between labels, in seconds: round numbers.
  private static let steps: [Double] = [
    0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600,
  ]
  private static let fewestColumns = 12.0
  private static let mostLabels = 8.0

  /// The number of columns between labels.
  static func columnsPerLabel(_ scale: TimeScale) -> Int {
    let columnSeconds = scale.columnSeconds
    let fewestColumns = max(fewestColumns, Double(scale.columns) / mostLabels)
    let step = steps.first { step in
      let columns = step / columnSeconds
      return columns >= fewestColumns && abs(columns - columns.rounded()) < 1e-6
    }
    return Int(clamping: (step.map { $0 / columnSeconds } ?? fewestColumns).rounded(.up))
  }

  /// Line and labels, each as wide as the graph; the right end is now.
  ///
  /// - Parameter now: the word for the right end.
  static func lines(_ scale: TimeScale, now: String, characters: GraphCharacters) -> (line: String, labels: String) {
    guard scale.columns > 0 else { return ("", "") }
    let step = columnsPerLabel(scale)
    var line = [Character](repeating: characters.axis, count: scale.columns)
    var labels = [Character](repeating: " ", count: scale.columns)
    for (number, place) in stride(from: scale.columns - 1, through: 0, by: -step).enumerated() {
      let text = number == 0 ? now : "-" + Numbers.duration(Double(number * step) * scale.columnSeconds)
      // Ends below its tick.
      let first = place - text.count + 1
      guard first >= 0 else { break }
      line[place] = characters.tick
      labels.replaceSubrange(first...place, with: text)
    }
    return (String(line), String(labels))
  }
}
