internal import CMSRShim
internal import NIOCore
internal import PowerProtocol
internal import PowerSources

/// Answers the clients that ask what limits the packages. Lives on the event loop.
///
/// Throttled time, reasons and temperature change with power, and fine readings of power leak secrets (PLATYPUS, CVE-2020-8694). So
/// registers are read only at the points of the grid at which power may be read for everyone, and all who ask until the next point
/// get the same reading. If nobody asks, nothing is read, and no alarm is set.
final class LimitsDesk {
  private var source: LimitsSource?
  private let settings: ServerSettings
  /// The points at which it may read; nil without a source.
  private let grid: SamplingGrid?
  private lazy var alarm = Alarm(on: eventLoop) { [weak self] in self?.read() }
  private let eventLoop: any EventLoop
  /// The latest reading, and the point from which on there may be another.
  private var latest: (report: LimitsReport, next: Int64)?
  /// The clients that wait for the next reading.
  private var waiting: [ClientHandler] = []

  /// - Parameters:
  ///   - source: nil if the limits are not known.
  ///   - grid: the points of all public readings.
  init(_ source: LimitsSource?, of settings: ServerSettings, grid: SamplingGrid?, eventLoop: any EventLoop) {
    self.source = source
    self.settings = settings
    self.grid = grid
    self.eventLoop = eventLoop
  }

  /// The limits for a client; nil if it gets them later, by `ClientHandler.answer`.
  func asked(by client: ClientHandler) -> LimitsReport? {
    guard source != nil, let grid else { return unknown }
    let now = cmsr_monotonic_nanoseconds()
    if let latest, now < latest.next { return latest.report }
    waiting.append(client)
    // The first point from now on. A reading may be as late as any public one.
    if waiting.count == 1 { alarm.set(at: max(grid.next(after: now - grid.shortestGap), latest?.next ?? .min)) }
    return nil
  }

  /// Reads no more.
  func stop() {
    alarm.cancel()
    waiting = []
  }

  /// Reads, and answers those who wait.
  private func read() {
    let clients = waiting
    waiting = []
    guard let grid, let packages = source?.read(), let origin = source?.origin else { return }
    let now = cmsr_monotonic_nanoseconds()
    let report = report(
      source: origin.rawValue,
      packages.map { LimitsReport.Package(id: $0.package, limits: $0.limits, throttling: $0.throttling) })
    latest = (report, grid.next(after: now))
    for client in clients { client.answer { report.json } }
  }

  private var unknown: LimitsReport {
    let reason =
      switch settings.description.source {
      case "msr": "No register is known that tells the limits of this CPU."
      case "perf": "The kernel's energy events tell no limits, and there are no powercap zones that do."
      case "powercap": "The kernel's powercap zones of this CPU have no constraints."
      case "simulated": "A simulated CPU has no limits."
      case let source: "\(source) tells no limits; --source msr does."
      }
    return report(source: nil, reason: reason, [])
  }

  private func report(source: String?, reason: String? = nil, _ packages: [LimitsReport.Package]) -> LimitsReport {
    func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds / 1_000_000) / 1000 }
    return LimitsReport(
      unixSeconds: seconds(cmsr_realtime_nanoseconds()), monotonicSeconds: seconds(cmsr_monotonic_nanoseconds()),
      source: source, reason: reason, packages: packages)
  }
}
