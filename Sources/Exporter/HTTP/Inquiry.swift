internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// A question to the service that whoever asks meanwhile shares the answer of. Lives on one event loop.
final class Inquiry<Value: Sendable> {
  private let ask: @Sendable () throws -> Value
  private let hang: Hang
  private var running: EventLoopFuture<Value>?

  /// - Parameter hang: shared by all questions to one service.
  init(_ hang: Hang, _ ask: @escaping @Sendable () throws -> Value) {
    self.hang = hang
    self.ask = ask
  }

  /// The answer; asked for on a thread that may block.
  func answer(on loop: any EventLoop, _ thread: NIOThreadPool) -> EventLoopFuture<Value> {
    if let running { return running }
    let asked = NIODeadline.now()
    let future = thread.runIfActive(eventLoop: loop) { [hang, ask] in try hang.ask(since: asked, ask) }
    running = future
    let bound = NIOLoopBound(self, eventLoop: loop)
    future.whenComplete { _ in bound.value.running = nil }
    return future
  }
}

/// That a service did not answer in time. Questions are asked one at a time, so whoever asked before one was given up has
/// waited for it too, and is told the same instead of waiting as long once more: a scraper would not wait for that.
final class Hang: Sendable {
  private struct Failure {
    let error: any Error
    let time: NIODeadline
  }

  private let shortest: TimeAmount
  private let latest = Mutex<Failure?>(nil)

  /// - Parameter shortest: a question that fails sooner tells nothing of the others.
  init(shortest: TimeAmount) {
    self.shortest = shortest
  }

  /// Asks, unless one was given up since it was wanted.
  func ask<Value>(since wanted: NIODeadline, _ question: () throws -> Value) throws -> Value {
    if let failure = latest.withLock({ $0 }), failure.time >= wanted { throw failure.error }
    let begin = NIODeadline.now()
    do {
      return try question()
    } catch {
      let now = NIODeadline.now()
      if now - begin >= shortest { latest.withLock { $0 = Failure(error: error, time: now) } }
      throw error
    }
  }
}
