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
  /// The answers that are pending: each is shared by everyone who asks for it meanwhile. By whether units are in them.
  private var observations: [Bool: EventLoopFuture<Observation>] = [:]
  /// By the number of seconds.
  private var histories: [Int: EventLoopFuture<HistoryReport>] = [:]
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
  }

  /// The service's description and its latest sample, with or without the energy of units.
  func observe(units: Bool) -> EventLoopFuture<Observation> {
    ask(\.observations[units]) { try $0.observe(units: units) }
  }

  /// The power of the latest seconds, this many.
  func history(seconds: Int) -> EventLoopFuture<HistoryReport> {
    guard histories[seconds] != nil || histories.count < Self.mostHistories else {
      releaseLater()
      return loop.makeFailedFuture(RequestError.busy)
    }
    return ask(\.histories[seconds]) { try $0.history(seconds: seconds) }
  }

  /// Asks on the thread that may block, unless the answer is pending at this place.
  private func ask<Value: Sendable>(
    _ pending: ReferenceWritableKeyPath<ServiceDesk, EventLoopFuture<Value>?>,
    _ question: @escaping @Sendable (any PowerService) throws -> Value
  ) -> EventLoopFuture<Value> {
    releaseLater()
    if let answer = self[keyPath: pending] { return answer }
    let asked = NIODeadline.now()
    let answer = thread.runIfActive(eventLoop: loop) { [hang, service] in
      try hang.ask(since: asked) { try question(service) }
    }
    self[keyPath: pending] = answer
    let bound = NIOLoopBound((self, pending), eventLoop: loop)
    answer.whenComplete { _ in
      let (desk, pending) = bound.value
      desk[keyPath: pending] = nil
    }
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
  ///
  /// - Parameter units: whether the energy of units is wanted too. It is left out if this service does not tell it.
  func observe(units: Bool) throws -> Observation
  /// The power of the latest seconds, this many.
  func history(seconds: Int) throws -> HistoryReport
  /// Closes the connection, so that the service may sleep.
  func disconnect()
}
