internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// A question to the service whose answer is shared by everyone who asks while it is pending. Lives on one event loop.
final class Inquiry<Value: Sendable> {
  private let ask: @Sendable () throws -> Value
  private let hang: Hang
  private var running: EventLoopFuture<Value>?

  /// - Parameter hang: shared by all questions to one service.
  init(_ hang: Hang, _ ask: @escaping @Sendable () throws -> Value) {
    self.hang = hang
    self.ask = ask
  }

  /// The answer. The question is asked on a thread that may block.
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

/// Remembers that a question to the service timed out. Questions are asked one at a time, so anyone who asked before the timeout
/// has waited for it too, and gets the same error instead of waiting again: a scraper would not wait that long.
final class Hang: Sendable {
  private struct Failure {
    let error: any Error
    let time: NIODeadline
  }

  private let shortest: TimeAmount
  private let latest = Mutex<Failure?>(nil)

  /// - Parameter shortest: a question that fails sooner does not affect the others.
  init(shortest: TimeAmount) {
    self.shortest = shortest
  }

  /// Asks, unless another question timed out since this one began to wait.
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
