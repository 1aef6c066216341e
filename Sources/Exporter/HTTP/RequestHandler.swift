internal import NIOCore
internal import NIOHTTP1

/// One connection: reads a request, answers it, and so on. If either side takes too long, it ends.
final class RequestHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  /// How long a client may take to close after its last answer.
  private static let longestFarewell = TimeAmount.seconds(2)

  private let router: Router
  private let patience: TimeAmount
  private let table: ConnectionTable
  private var context: ChannelHandlerContext?
  private var request: HTTPRequestHead?
  /// Whether an answer is being made.
  private var isAnswering = false
  /// Answers that were not sent yet.
  private var unsent = 0
  /// Whether no more requests are answered.
  private var isEnding = false
  /// Whether the client sends nothing more.
  private var isInputClosed = false
  private var deadline: Scheduled<Void>?
  /// The time of the latest change of state.
  private(set) var since = NIODeadline.now()

  init(_ router: Router, patience: TimeAmount, table: ConnectionTable) {
    self.router = router
    self.patience = patience
    self.table = table
  }

  /// What it waits for; connections are closed for a new one in this order.
  enum Phase: Int {
    /// For a request, or for the client to close.
    case idle
    /// For the client to read.
    case sending
    /// For the answer. It comes soon, so this connection is not closed.
    case answering
  }

  var phase: Phase { isAnswering ? .answering : unsent > 0 ? .sending : .idle }

  /// Ends the connection, to make room for another.
  func giveUp() {
    context?.close(promise: nil)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    table.add(self)
    startDeadline(context, patience)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    table.remove(self)
    deadline?.cancel()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
    isInputClosed = true
    // A client may have sent all its requests, and waits for the answer.
    if phase == .idle { context.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error {
    case is HTTPParserError:
      guard !isEnding else { return }
      let why = "This is not an HTTP/1.1 request, or its head is longer than 16 KiB."
      send(Reply(.badRequest, why), to: nil, keepsAlive: false, context: context)
    // The rest of a malformed request.
    case is ByteToMessageDecoderError: return
    // It is no news that a client closes.
    default: context.close(promise: nil)
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): request = isEnding ? nil : head
    case .body:
      guard let head = request else { return }
      request = nil
      send(
        Reply(.payloadTooLarge, "A GET or HEAD request must not have a body."), to: head, keepsAlive: false,
        context: context)
    case .end:
      guard let head = request else { return }
      request = nil
      if unsent == 0 { startDeadline(context, patience) }
      isAnswering = true
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      router.reply(to: head).whenSuccess { reply in
        let (handler, context) = bound.value
        handler.isAnswering = false
        // A client that keeps asking without reading gets what is on its way, and no more. After a request for another protocol
        // nothing is parsed.
        let keepsAlive =
          head.isKeepAlive && head.method != .CONNECT && !head.headers.contains(name: "upgrade")
          && context.channel.isWritable
        handler.send(reply, to: head, keepsAlive: keepsAlive, context: context)
      }
    }
  }

  /// - Parameter head: the request; nil if it is not valid.
  private func send(_ reply: Reply, to head: HTTPRequestHead?, keepsAlive: Bool, context: ChannelHandlerContext) {
    unsent += 1
    since = .now()
    isEnding = isEnding || !keepsAlive
    let begin = reply.head(keepsAlive: keepsAlive, to: head?.version ?? .http1_1)
    context.write(wrapOutboundOut(.head(begin)), promise: nil)
    if head?.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(reply.body))), promise: nil) }
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { result in
      let (handler, context) = bound.value
      handler.unsent -= 1
      switch result {
      case .success: handler.sent(context)
      case .failure: context.close(promise: nil)
      }
    }
  }

  private func sent(_ context: ChannelHandlerContext) {
    guard phase == .idle else { return }
    if isInputClosed { return context.close(promise: nil) }
    guard isEnding else { return startDeadline(context, patience) }
    // If it closed at once while the client still sends, the client's system would throw the answer away.
    context.close(mode: .output, promise: nil)
    startDeadline(context, min(patience, Self.longestFarewell))
  }

  private func startDeadline(_ context: ChannelHandlerContext, _ time: TimeAmount) {
    since = .now()
    deadline?.cancel()
    let channel = context.channel
    deadline = channel.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
  }
}
