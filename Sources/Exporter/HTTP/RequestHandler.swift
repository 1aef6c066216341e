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
    case .head(let head): request = head
    case .body:
      guard let head = request else { return }
      request = nil
      send(Reply(.payloadTooLarge, "A request to read has no body."), to: head, keepsAlive: false, context: context)
    case .end:
      guard let head = request else { return }
      request = nil
      startDeadline(context)
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      router.reply(to: head).whenSuccess { reply in
        let (handler, context) = bound.value
        handler.send(reply, to: head, keepsAlive: head.isKeepAlive, context: context)
      }
    }
  }

  private func send(_ reply: Reply, to head: HTTPRequestHead, keepsAlive: Bool, context: ChannelHandlerContext) {
    context.write(wrapOutboundOut(.head(reply.head(keepsAlive: keepsAlive))), promise: nil)
    if head.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(reply.body))), promise: nil) }
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { result in
      let (handler, context) = bound.value
      if keepsAlive, case .success = result { return handler.startDeadline(context) }
      context.close(promise: nil)
    }
  }

  private func startDeadline(_ context: ChannelHandlerContext) {
    deadline?.cancel()
    let channel = context.channel
    deadline = channel.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
  }
}
