internal import NIOCore
internal import NIOHTTP1

/// One connection: reads a request, answers it, and so on. What takes too long, either way, ends it.
final class RequestHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let router: Router
  private let patience: TimeAmount
  private let count: (Int) -> Void
  private var request: HTTPRequestHead?
  /// Answers that have not gone out yet.
  private var unsent = 0
  private var isEnding = false
  private var deadline: Scheduled<Void>?

  /// - Parameter count: told 1 where the connection begins, and -1 where it ends.
  init(_ router: Router, patience: TimeAmount, count: @escaping (Int) -> Void) {
    self.router = router
    self.patience = patience
    self.count = count
  }

  func handlerAdded(context: ChannelHandlerContext) {
    count(1)
    startDeadline(context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    count(-1)
    deadline?.cancel()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A malformed request is answered by then; a client's going is no news.
    context.close(promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): request = isEnding ? nil : head
    case .body:
      guard let head = request else { return }
      request = nil
      send(Reply(.payloadTooLarge, "A request to read has no body."), to: head, keepsAlive: false, context: context)
    case .end:
      guard let head = request else { return }
      request = nil
      if unsent == 0 { startDeadline(context) }
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      router.reply(to: head).whenSuccess { reply in
        let (handler, context) = bound.value
        // Whoever asks on without reading gets what is on its way, and no more.
        let keepsAlive = head.isKeepAlive && context.channel.isWritable
        handler.send(reply, to: head, keepsAlive: keepsAlive, context: context)
      }
    }
  }

  private func send(_ reply: Reply, to head: HTTPRequestHead, keepsAlive: Bool, context: ChannelHandlerContext) {
    unsent += 1
    isEnding = isEnding || !keepsAlive
    context.write(wrapOutboundOut(.head(reply.head(keepsAlive: keepsAlive))), promise: nil)
    if head.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(reply.body))), promise: nil) }
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { result in
      let (handler, context) = bound.value
      handler.unsent -= 1
      guard keepsAlive, case .success = result else { return context.close(promise: nil) }
      if handler.unsent == 0 { handler.startDeadline(context) }
    }
  }

  private func startDeadline(_ context: ChannelHandlerContext) {
    deadline?.cancel()
    let channel = context.channel
    deadline = channel.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
  }
}
