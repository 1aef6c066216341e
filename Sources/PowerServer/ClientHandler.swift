internal import CMSRShim
internal import Glibc
internal import NIOCore
internal import PowerProtocol
internal import RAPL

/// One connection. NIO accepts, reads and closes; lines go straight to the socket, whole or not at all.
final class ClientHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// What the smallest socket buffer takes whole: half of SOCK_MIN_SNDBUF, less what the kernel keeps (unix_stream_sendmsg).
  private static let mostWholeBytes = 2000
  /// How much may be on its way to a client before no more of its requests are served.
  private static let mostUnsentBytes = 16_384
  /// How long a client may take to read an answer.
  private static let patience = TimeAmount.seconds(10)

  /// Where the broadcaster keeps it.
  var place: Int?
  /// Until when no line may follow the first one, in monotonic nanoseconds; 0 before the first.
  var silentUntil: Int64 = 0
  /// What it has subscribed to.
  var stream: SampleStream?
  /// What measures between its own readings; nil before the first.
  var meter: PowerMeter?
  /// Whose connection it is, by user id.
  var user: UInt32 { cmsr_peer_user(descriptor) }
  /// Whether its peer is trusted: asked for by its first request only.
  private(set) lazy var isTrusted = desk.trusts(descriptor)

  private let broadcaster: Broadcaster
  private let desk: RequestDesk
  private var context: ChannelHandlerContext?
  private var descriptor: Int32 = -1
  private var requests = RequestStream()
  private var events: ArraySlice<RequestStream.Event> = []
  private var unread: CircularBuffer<ByteBuffer> = []
  /// Answers that NIO has not sent yet.
  private var writes = 0
  /// Whether an answer is to come later.
  private var isWaiting = false
  private var isServing = false
  private var wantsToRead = false

  init(_ broadcaster: Broadcaster, desk: RequestDesk) {
    self.broadcaster = broadcaster
    self.desk = desk
  }

  /// Sends a line unasked, or drops it where the client has not read the earlier ones, or an answer is only half sent.
  func send(_ bytes: [UInt8]) {
    guard descriptor >= 0, writes == 0 else { return }
    guard bytes.count <= Self.mostWholeBytes else { return write(ByteBuffer(bytes: bytes)) }
    switch unsafe bytes.withUnsafeBytes({ unsafe cmsr_send_line(descriptor, $0.baseAddress, $0.count) }) {
    case 0, EAGAIN, ENOBUFS, ENOMEM: return
    default: close()
    }
  }

  /// Gives the answer that was to come later.
  func answer(_ json: JSON) {
    guard isWaiting else { return }
    isWaiting = false
    write(ByteBuffer(bytes: json.line))
    goOn()
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
    isWaiting = false
    forgetRequests()
    broadcaster.remove(self)
    self.context = nil
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A client's going is no news, whatever way it went.
    context.close(promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    unread.append(unwrapInboundIn(data))
    goOn()
  }

  /// Reads no further while an answer is on its way, or once what comes is ignored: a flood fills the client's own
  /// buffers.
  func read(context: ChannelHandlerContext) {
    if isBusy || requests.isExhausted {
      wantsToRead = true
    } else {
      context.read()
    }
  }

  private var isBusy: Bool { writes > 0 || isWaiting }

  /// Serves what has come, in its order and one answer after the other; then reads on. At the end of its input NIO reads
  /// all that is left at once; that too is answered bit by bit.
  private func goOn() {
    // An answer that is sent at once comes back here.
    guard !isServing else { return }
    isServing = true
    while !isBusy {
      if events.isEmpty {
        guard let bytes = unread.popFirst() else { break }
        events = requests.take(bytes.readableBytesView)[...]
      } else {
        serve()
      }
    }
    isServing = false
    if !isBusy, wantsToRead, let context {
      wantsToRead = false
      read(context: context)
    }
  }

  /// Serves requests until one has to wait, or enough is on its way.
  private func serve() {
    var answers = ByteBuffer()
    while !isWaiting, answers.readableBytes < Self.mostUnsentBytes, let event = events.popFirst() {
      switch reply(to: event) {
      case .now(let json): answers.writeBytes(json.line)
      case .later: isWaiting = true
      case .long(let bytes, let ended):
        answers.writeBytes(bytes)
        return write(answers, done: ended)
      }
      if event == .tooLong {
        return write(answers) { [weak self] in self?.close() }
      }
    }
    if answers.readableBytes > 0 { write(answers) }
  }

  private func reply(to event: RequestStream.Event) -> RequestDesk.Reply {
    guard case .request(let line) = event else { return .now(RequestError.requestTooLong.json) }
    do {
      return try desk.serve(try Request(parsing: line), from: self)
    } catch {
      return .now(error.json)
    }
  }

  /// Sends an answer, however long it takes the client to read it, but not for ever.
  private func write(_ bytes: ByteBuffer, done: @escaping () -> Void = {}) {
    guard let context else { return done() }
    writes += 1
    let stalled = context.eventLoop.assumeIsolated().scheduleTask(in: Self.patience) { [weak self] in self?.close() }
    context.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { [self] result in
      stalled.cancel()
      writes -= 1
      // Whoever has gone wants no more answers.
      if case .failure = result { forgetRequests() }
      done()
      goOn()
    }
  }

  private func forgetRequests() {
    events = []
    unread.removeAll()
  }
}
