internal import NIOCore
internal import NIOPosix

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
