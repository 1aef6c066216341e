/// How much time a column of the graph shows: from one sample up to what fits a day on the screen.
struct Zoom: Sendable, Equatable {
  private static let ladder: [Double] = [
    0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200,
  ]

  private var level = 0
  private let levels: [Double]

  /// A zoom that begins at one column for each sample.
  ///
  /// - Parameter shortest: the time between samples, in seconds.
  init(shortest: Double) {
    levels = [shortest] + Self.ladder.filter { $0 > shortest * 1.5 }
  }

  /// The time that a column shows, in seconds.
  var columnSeconds: Double { levels[level] }

  /// Shows a shorter time.
  mutating func zoomIn() { level = max(level - 1, 0) }
  /// Shows a longer time.
  mutating func zoomOut() { level = min(level + 1, levels.count - 1) }

  /// The same time for each column, as nearly as another sampling interval allows.
  func with(shortest: Double) -> Zoom {
    var zoom = Zoom(shortest: shortest)
    guard level > 0 else { return zoom }
    while zoom.columnSeconds < columnSeconds, zoom.level < zoom.levels.count - 1 { zoom.zoomOut() }
    return zoom
  }
}
