internal import NIOCore
internal import NIOPosix

/// A question to the service that whoever asks meanwhile shares the answer of. Lives on one event loop.
final class Inquiry<Value: Sendable> {
  private let ask: @Sendable () throws -> Value
  private var running: EventLoopFuture<Value>?

  init(_ ask: @escaping @Sendable () throws -> Value) {
    self.ask = ask
  }

  /// The answer; asked for on a thread that may block.
  func answer(on loop: any EventLoop, _ thread: NIOThreadPool) -> EventLoopFuture<Value> {
    if let running { return running }
    let future = thread.runIfActive(eventLoop: loop, ask)
    running = future
    let bound = NIOLoopBound(self, eventLoop: loop)
    future.whenComplete { _ in bound.value.running = nil }
    return future
  }
}
