/// The watts that were seen, and what stands out among them.
public struct History: Sendable {
  /// The latest watts, oldest first, as many as are kept.
  public private(set) var latest: [Double] = []
  /// The least watts of all.
  public private(set) var least = 0.0
  /// The most watts of all.
  public private(set) var most = 0.0
  private var sum = 0.0
  private var count = 0
  private let kept: Int

  /// A history that keeps so many of the latest for drawing.
  public init(keeping kept: Int = 512) {
    self.kept = max(kept, 1)
  }

  /// The mean watts of all.
  public var mean: Double { count == 0 ? 0 : sum / Double(count) }

  /// Whether nothing was seen yet.
  public var isEmpty: Bool { count == 0 }

  /// Adds a fresh reading.
  public mutating func add(_ watts: Double) {
    least = isEmpty ? watts : min(least, watts)
    most = isEmpty ? watts : max(most, watts)
    sum += watts
    count += 1
    if latest.count == kept { latest.removeFirst() }
    latest.append(watts)
  }
}
