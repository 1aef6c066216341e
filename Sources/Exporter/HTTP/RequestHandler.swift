internal import NIOCore
internal import NIOHTTP1

/// One connection: reads a request, answers it, and so on. If one side takes too long, it ends.
final class RequestHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  /// How long a client that was answered for the last time may take to close.
  private static let longestFarewell = TimeAmount.seconds(2)

  private let router: Router
  private let patience: TimeAmount
  private let table: ConnectionTable
  private var context: ChannelHandlerContext?
  private var request: HTTPRequestHead?
  /// Whether an answer is being made.
  private var isAnswering = false
  /// Answers that have not gone out yet.
  private var unsent = 0
  /// Whether nothing more is answered.
  private var isEnding = false
  /// Whether the client sends nothing more.
  private var isInputClosed = false
  private var deadline: Scheduled<Void>?
  /// Since when it is as it is.
  private(set) var since = NIODeadline.now()

  init(_ router: Router, patience: TimeAmount, table: ConnectionTable) {
    self.router = router
    self.patience = patience
    self.table = table
  }

  /// What it waits for; in this order connections are given up for a new one.
  enum Phase: Int {
    /// A request, or the client's closing.
    case idle
    /// The client's reading.
    case sending
    /// The answer's making. It comes soon, so it is not given up.
    case answering
  }

  var phase: Phase { isAnswering ? .answering : unsent > 0 ? .sending : .idle }

  /// Ends the connection, so that another has room.
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
    // A client may have sent all that it wants to ask, and waits for the answer.
    if phase == .idle { context.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error {
    case is HTTPParserError:
      guard !isEnding else { return }
      let why = "This is not an HTTP/1.1 request, or its head is longer than 16 kB."
      send(Reply(.badRequest, why), to: nil, keepsAlive: false, context: context)
    // What comes behind a malformed request.
    case is ByteToMessageDecoderError: return
    // A client's going is no news.
    default: context.close(promise: nil)
    }
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
      if unsent == 0 { startDeadline(context, patience) }
      isAnswering = true
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      router.reply(to: head).whenSuccess { reply in
        let (handler, context) = bound.value
        handler.isAnswering = false
        // Who asks on without reading gets what is on its way, and no more. Behind a request for another protocol nothing
        // is parsed.
        let keepsAlive =
          head.isKeepAlive && head.method != .CONNECT && !head.headers.contains(name: "upgrade")
          && context.channel.isWritable
        handler.send(reply, to: head, keepsAlive: keepsAlive, context: context)
      }
    }
  }

  /// - Parameter head: what is answered; nil for what is not a request.
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
    // Closed at once while the client still sends, its system would throw the answer away.
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
