internal import NIOCore
internal import NIOPosix
internal import PowerProtocol

/// Asks the service for all connections, on a thread of its own, and lets go of it once nobody asks any more. Lives on one
/// event loop.
final class ServiceDesk {
  /// How far back the page looks.
  static let historySeconds = 600

  private let service: any PowerService
  private let loop: any EventLoop
  private let thread: NIOThreadPool
  private let keep: TimeAmount
  private let sample: Inquiry<Observation>
  private let past: Inquiry<HistoryReport>
  private var release: Scheduled<Void>?

  init(_ service: any PowerService, loop: any EventLoop, thread: NIOThreadPool, keep: TimeAmount) {
    self.service = service
    self.loop = loop
    self.thread = thread
    self.keep = keep
    sample = Inquiry { try service.observe() }
    past = Inquiry { try service.history(seconds: Self.historySeconds) }
  }

  /// What the service is and what is drawn now.
  func observe() -> EventLoopFuture<Observation> {
    releaseLater()
    return sample.answer(on: loop, thread)
  }

  /// What was drawn lately.
  func history() -> EventLoopFuture<HistoryReport> {
    releaseLater()
    return past.answer(on: loop, thread)
  }

  private func releaseLater() {
    release?.cancel()
    release = loop.scheduleTask(in: keep) { [service, thread] in
      thread.submit { state in
        if state == .active { service.disconnect() }
      }
    }
  }
}
