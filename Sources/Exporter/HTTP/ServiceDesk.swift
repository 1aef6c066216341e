public import Formats
internal import NIOCore
internal import NIOPosix
public import PowerProtocol

/// Asks the service for all connections, on a thread of its own, and lets go of it once nobody asks any more. Lives on one
/// event loop.
final class ServiceDesk {
  private let service: any PowerService
  private let loop: any EventLoop
  private let thread: NIOThreadPool
  private let keep: TimeAmount
  private let hang: Hang
  private let sample: Inquiry<Observation>
  /// By how many seconds are asked for.
  private var histories: [Int: Inquiry<HistoryReport>] = [:]
  /// As many different histories are asked for at a time: each costs the service some milliseconds.
  private static let mostHistories = 8
  private var release: Scheduled<Void>?

  /// - Parameters:
  ///   - keep: how long the service is kept after the latest question.
  ///   - shortestHang: how long a question that fails has taken at least if the service hangs.
  init(
    _ service: any PowerService, loop: any EventLoop, thread: NIOThreadPool, keep: TimeAmount,
    shortestHang: TimeAmount = .seconds(1)
  ) {
    self.service = service
    self.loop = loop
    self.thread = thread
    self.keep = keep
    hang = Hang(shortest: shortestHang)
    sample = Inquiry(hang) { try service.observe() }
  }

  /// What the service is and what is drawn now.
  func observe() -> EventLoopFuture<Observation> {
    releaseLater()
    return sample.answer(on: loop, thread)
  }

  /// What was drawn in the latest so many seconds.
  func history(seconds: Int) -> EventLoopFuture<HistoryReport> {
    releaseLater()
    if let asked = histories[seconds] { return asked.answer(on: loop, thread) }
    guard histories.count < Self.mostHistories else { return loop.makeFailedFuture(RequestError.busy) }
    let inquiry = Inquiry(hang) { [service] in try service.history(seconds: seconds) }
    histories[seconds] = inquiry
    let answer = inquiry.answer(on: loop, thread)
    let bound = NIOLoopBound(self, eventLoop: loop)
    answer.whenComplete { _ in bound.value.histories[seconds] = nil }
    return answer
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

/// The service as an exporter asks it. Its functions block, and are called one at a time.
public protocol PowerService: Sendable {
  /// What it is and what is drawn now.
  func observe() throws -> Observation
  /// What was drawn in the latest so many seconds.
  func history(seconds: Int) throws -> HistoryReport
  /// Lets go of it, so that it may sleep.
  func disconnect()
}
