internal import CMSRShim
internal import Glibc
internal import NIOCore
internal import PowerProtocol

/// One connection. NIO accepts, reads and closes; lines go straight to the socket, whole or not at all.
final class ClientHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Where the broadcaster keeps it.
  var place: Int?
  /// Until when no line may follow the first one, in monotonic nanoseconds; 0 before the first.
  var silentUntil: Int64 = 0

  private let broadcaster: Broadcaster
  private var context: ChannelHandlerContext?
  private var descriptor: Int32 = -1
  private var requests = RequestStream()
  private var isAnswering = false
  private var unanswered: CircularBuffer<ByteBuffer> = []
  private var wantsToRead = false

  init(_ broadcaster: Broadcaster) {
    self.broadcaster = broadcaster
  }

  /// Sends a line, or drops it where the client has not read the earlier ones, or an answer is only half sent.
  func send(_ bytes: [UInt8]) {
    guard descriptor >= 0, !isAnswering else { return }
    switch unsafe bytes.withUnsafeBytes({ unsafe cmsr_send_line(descriptor, $0.baseAddress, $0.count) }) {
    case 0, EAGAIN, ENOBUFS, ENOMEM: return
    default: close()
    }
  }

  func close() {
    context?.close(promise: nil)
  }

  /// Runs something on the connection's event loop, later.
  func schedule(after delay: TimeAmount, _ task: @escaping () -> Void) {
    context?.eventLoop.assumeIsolated().scheduleTask(in: delay, task)
  }

  func channelActive(context: ChannelHandlerContext) {
    self.context = context
    do {
      let transport = try context.channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
        of: NIOBSDSocket.Handle.self, { $0 })
      descriptor = transport ?? -1
    } catch {
      // The connection ended before it began; NIO reports that through channelInactive.
      descriptor = -1
    }
    broadcaster.add(self)
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    descriptor = -1
    broadcaster.remove(self)
    self.context = nil
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A client's going is no news, whatever way it went.
    context.close(promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data)
    if isAnswering { unanswered.append(bytes) } else { answer(bytes, context: context) }
  }

  /// Reads no further while an answer is on its way, or once what comes is ignored: a flood fills the client's own
  /// buffers.
  func read(context: ChannelHandlerContext) {
    if isAnswering || requests.isExhausted {
      wantsToRead = true
    } else {
      context.read()
    }
  }

  /// Answers the requests that these bytes complete, all in one write.
  private func answer(_ bytes: ByteBuffer, context: ChannelHandlerContext) {
    let errors: [RequestError] = requests.take(bytes.readableBytesView).map { event in
      switch event {
      case .request: .unknownRequest("This version of the service answers no requests")
      case .tooLong: .requestTooLong
      }
    }
    guard !errors.isEmpty else { return }
    isAnswering = true
    let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: errors.flatMap(\.json.line)))).whenComplete { _ in
      let (handler, context) = loopBound.value
      handler.isAnswering = false
      if errors.last == .requestTooLong { return context.close(promise: nil) }
      handler.goOn(context: context)
    }
  }

  /// At the end of its input NIO reads all that is left at once; that is answered bit by bit.
  private func goOn(context: ChannelHandlerContext) {
    while !isAnswering, !unanswered.isEmpty { answer(unanswered.removeFirst(), context: context) }
    if !isAnswering, wantsToRead {
      wantsToRead = false
      read(context: context)
    }
  }
}
