public import Formats
internal import NIOCore
internal import NIOPosix
public import PowerProtocol

/// Asks the service for all connections, on a thread of its own, and disconnects once nobody asks any more. Lives on one event
/// loop.
final class ServiceDesk {
  private let service: any PowerService
  private let loop: any EventLoop
  private let thread: NIOThreadPool
  private let keep: TimeAmount
  private let hang: Hang
  private let sample: Inquiry<Observation>
  /// The pending questions for history, by the number of seconds.
  private var histories: [Int: Inquiry<HistoryReport>] = [:]
  /// How many different histories may be asked for at the same time: each costs the service some milliseconds.
  private static let mostHistories = 8
  private var release: Scheduled<Void>?

  /// - Parameters:
  ///   - keep: how long the connection is kept after the latest question.
  ///   - shortestHang: the least time that a question takes if the service hangs.
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

  /// The service's description and its latest sample.
  func observe() -> EventLoopFuture<Observation> {
    releaseLater()
    return sample.answer(on: loop, thread)
  }

  /// The power of the latest seconds, this many.
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

/// The service, as an exporter asks it. Its functions block, and are called one at a time.
public protocol PowerService: Sendable {
  /// Its description and its latest sample.
  func observe() throws -> Observation
  /// The power of the latest seconds, this many.
  func history(seconds: Int) throws -> HistoryReport
  /// Closes the connection, so that the service may sleep.
  func disconnect()
}
