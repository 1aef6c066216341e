internal import PowerProtocol
internal import RAPL

/// A subscription, shared by all who asked for the same: one window at each point of its grid.
final class SampleStream {
  /// What tells streams apart.
  struct Key: Hashable {
    /// From sample to sample, in nanoseconds.
    let interval: Int64
    let isTrusted: Bool
    /// Whether its samples have domains.
    var hasDomains = true
  }

  let key: Key
  /// When it takes its next reading, in nanoseconds of the monotonic clock.
  private(set) var next: Int64
  private(set) var clients: [ClientHandler] = []
  private let grid: SamplingGrid
  private var meter: PowerMeter
  /// Its latest window, and that one's number; nil before the first.
  private(set) var latest: (window: MeasuredWindow, sequence: Int)?

  /// - Parameter start: what its first window begins with; nil where that is the first reading that it takes.
  init(_ key: Key, phase: Int64, shortestGap: Int64, start: EnergySnapshot?, now: Int64) {
    self.key = key
    grid = SamplingGrid(first: phase, interval: key.interval, shortestGap: shortestGap)
    meter = PowerMeter(start: start)
    next = grid.next(after: now)
  }

  func add(_ client: ClientHandler) {
    clients.append(client)
  }

  func remove(_ client: ClientHandler) {
    clients.removeAll { $0 === client }
  }

  /// Takes in a reading at its point, or that there was none.
  ///
  /// - Returns: the window that it ends, and its number; nil where there is none.
  func take(_ snapshot: EnergySnapshot?, now: Int64) -> (window: MeasuredWindow, sequence: Int)? {
    next = grid.next(after: now)
    guard let snapshot, case .window(let window) = meter.finish(snapshot) else { return nil }
    latest = (window, (latest?.sequence ?? 0) + 1)
    return latest
  }
}
