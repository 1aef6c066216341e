internal import CMSRShim
internal import Formatting
internal import Glibc
internal import NIOCore
internal import PowerProtocol
internal import RAPL

/// One connection. NIO accepts, reads and closes; lines go straight to the socket, whole or not at all.
final class ClientHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// What the smallest socket buffer takes whole: half of SOCK_MIN_SNDBUF, less the kernel's own part (unix_stream_sendmsg).
  static let mostWholeBytes = 2000
  /// How many bytes may be on their way to a client before its further requests wait.
  private static let mostUnsentBytes = 16_384
  /// How many unread bytes may arrive at once, at the end of a client's input.
  private static let mostUnreadBytes = 65_536
  /// How long a client may take to read an answer.
  private static let patience = TimeAmount.seconds(10)

  /// Its index in the broadcaster's list.
  private(set) var place: Int?
  /// The time until which no line may follow the first one, in monotonic nanoseconds; 0 before the first.
  private var silentUntil: Int64 = 0
  /// Its subscription.
  private(set) var subscription: SampleStream.Key?
  /// The windows of its own readings; nil before the first.
  private var meter: PowerMeter?
  /// The share of its user.
  let share: UserShare
  /// Whether it gets more samples than the service has lines.
  private var isFast = false {
    didSet { if isFast != oldValue { share.fastClients += isFast ? 1 : -1 } }
  }
  /// Whether its peer is trusted; found out at its first request.
  private(set) lazy var isTrusted = desk.trusts(descriptor)

  private let desk: RequestDesk
  private var context: ChannelHandlerContext?
  private var descriptor: Int32 = -1
  private var requests = RequestStream()
  private var events: ArraySlice<RequestStream.Event> = []
  private var unread: CircularBuffer<ByteBuffer> = []
  /// Answers that NIO has not sent yet.
  private var writes = 0
  /// Whether an answer will come later.
  private var isWaiting = false
  /// The answer that has come, but for which there is no time yet.
  private var late: (() -> JSON)?
  /// The rest of a long answer.
  private var rest: LongAnswer?
  /// Whether it waits for its user's turn.
  private var isQueued = false
  private var unreadBytes = 0
  private var isServing = false
  private var wantsToRead = false

  init(desk: RequestDesk, share: UserShare) {
    self.desk = desk
    self.share = share
  }

  deinit {
    share.leave()
  }

  /// Sets its index in the broadcaster's list.
  func move(to place: Int?) { self.place = place }

  /// It now gets samples of this stream.
  func subscribed(to key: SampleStream.Key) { subscription = key }

  /// It no longer gets samples of a stream.
  func unsubscribed() { subscription = nil }

  /// It no longer gets lines, because it has asked for something else.
  ///
  /// - Parameter isFast: whether it gets more samples than the service has lines.
  func leaveLines(isFast: Bool) {
    silentUntil = .max
    self.isFast = isFast
  }

  /// Whether it may get more samples than the service has lines.
  var mayBeFast: Bool { isFast || share.mayBeFast }

  /// Begins its first window of its own, if it has none yet.
  func beginMeasuring(from start: EnergySnapshot?) {
    if meter == nil, let start { meter = PowerMeter(start: start) }
  }

  /// Ends its window, and begins the next.
  func measure(_ end: EnergySnapshot) -> PowerMeter.Result {
    var own = meter ?? PowerMeter()
    let result = own.measure(end)
    meter = own
    return result
  }

  /// Whether it got nothing yet.
  var awaitsFirstLine: Bool { silentUntil == 0 }

  /// Sends a line without a request, or drops it if the client has not read the earlier ones, or an answer is only half sent.
  ///
  /// - Parameters:
  ///   - now: for the public line, the monotonic time in nanoseconds: it is dropped if it comes too soon after the first one, or the
  ///     client no longer gets lines.
  ///   - silence: how long no public line follows the first one, in nanoseconds.
  func send(_ bytes: [UInt8], publiclyAt now: Int64? = nil, silence: Int64 = 0) {
    if let now {
      guard now >= silentUntil else { return }
      if awaitsFirstLine { silentUntil = now + silence }
    }
    guard descriptor >= 0, writes == 0, rest == nil else { return }
    // Not through NIO, whose write path costs as much again as the kernel's: a promise, a buffer and a flush for each client. What
    // fits the smallest socket buffer is sent whole or not at all, so nothing is ever left to send.
    guard bytes.count <= Self.mostWholeBytes else { return write(ByteBuffer(bytes: bytes)) }
    let sent = unsafe bytes.withUnsafeBytes {
      unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
    }
    guard sent < bytes.count else { return }
    switch sent < 0 ? errno : EMSGSIZE {
    case EAGAIN, ENOBUFS, ENOMEM, EINTR: return
    default: close()
    }
  }

  /// Gives the answer that was to come later: now, or once its user has time for it.
  func answer(_ json: @escaping () -> JSON) {
    guard isWaiting else { return }
    late = json
    goOn()
  }

  /// Continues, now that its user has time again.
  func takeTurn() {
    isQueued = false
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
    desk.feed.add(self)
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    descriptor = -1
    isWaiting = false
    isFast = false
    forgetRequests()
    desk.feed.remove(self)
    self.context = nil
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // It is no news that a client disconnects, however it does.
    context.close(promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data)
    share.countRead()
    unreadBytes += bytes.readableBytes
    // Only at the end of its input do so many bytes come at once.
    guard unreadBytes <= Self.mostUnreadBytes else { return close() }
    unread.append(bytes)
    goOn()
  }

  /// Stops reading while an answer is on its way, while its user has no time left, or once all input is ignored: a flood then fills
  /// the client's own buffers.
  func read(context: ChannelHandlerContext) {
    if isBusy || isQueued || requests.isExhausted {
      wantsToRead = true
    } else if !share.hasTime {
      wantsToRead = true
      queue()
    } else {
      context.read()
    }
  }

  private var isBusy: Bool { writes > 0 || isWaiting && late == nil }

  private var hasWork: Bool { late != nil || rest != nil || !events.isEmpty || !unread.isEmpty }

  private func queue() {
    guard !isQueued else { return }
    isQueued = true
    share.wait(self)
  }

  /// Serves the requests that have arrived, one after the other, as long as its user has time; then continues reading. At the end of
  /// its input NIO reads all the rest at once, which is also answered bit by bit.
  private func goOn() {
    // An answer that is sent at once calls this again.
    guard !isServing else { return }
    isServing = true
    while !isBusy, !isQueued, hasWork {
      guard share.hasTime else {
        queue()
        break
      }
      serve()
    }
    isServing = false
    if !isBusy, !isQueued, wantsToRead, let context {
      wantsToRead = false
      read(context: context)
    }
  }

  /// Serves requests until one has to wait, enough is on its way, or there is no time left.
  private func serve() {
    var answers = ByteBuffer()
    var isLast = false
    repeat {
      share.work {
        if let late {
          self.late = nil
          isWaiting = false
          answers.writeBytes(late().line)
        } else if let rest {
          answers.writeBytes(rest.next())
          if rest.isAtEnd { end(rest) }
        } else if let event = events.popFirst() {
          isLast = event == .tooLong
          take(reply(to: event), into: &answers)
        } else if let bytes = unread.popFirst() {
          unreadBytes -= bytes.readableBytes
          events = requests.take(bytes.readableBytesView)[...]
        }
      }
    } while !isLast && !isWaiting && hasWork && answers.readableBytes < Self.mostUnsentBytes && share.hasTime
    guard answers.readableBytes > 0 else { return }
    share.countAnswer(bytes: answers.readableBytes)
    share.work { write(answers) { [weak self] in if isLast { self?.close() } } }
  }

  private func take(_ reply: RequestDesk.Reply, into answers: inout ByteBuffer) {
    switch reply {
    case .now(let json): answers.writeBytes(json.line)
    case .later: isWaiting = true
    case .long(let answer): rest = answer
    }
  }

  private func end(_ answer: LongAnswer) {
    rest = nil
    answer.ended()
  }

  private func reply(to event: RequestStream.Event) -> RequestDesk.Reply {
    guard case .request(let line) = event else { return .now(RequestError.requestTooLong.json) }
    do {
      return try desk.serve(try Request(parsing: line), from: self)
    } catch {
      return .now(error.json)
    }
  }

  /// Sends an answer. The client may take its time to read it, but not forever.
  private func write(_ bytes: ByteBuffer, done: @escaping () -> Void = {}) {
    guard let context else { return done() }
    writes += 1
    let stalled = context.eventLoop.assumeIsolated().scheduleTask(in: Self.patience) { [weak self] in self?.close() }
    context.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { [self] result in
      stalled.cancel()
      writes -= 1
      // A client that has disconnected wants no more answers.
      if case .failure = result { forgetRequests() }
      done()
      goOn()
    }
  }

  private func forgetRequests() {
    events = []
    unread.removeAll()
    late = nil
    if let rest { end(rest) }
  }
}
