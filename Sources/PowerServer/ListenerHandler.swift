internal import CMSRShim
internal import Glibc
internal import Logging
internal import NIOCore
internal import SystemCalls

/// Accepts connections, a limited number in each turn of the event loop. Lives on the event loop.
///
/// The user is not known before a connection is accepted. So users who connect as fast as they can are accepted as cheaply as
/// possible: as a bare descriptor, until their share allows more. NIO accepts only the first of each turn, and thereby shows that
/// there are some. After a turn with a user who has no share left, this rests a little: NIO's first costs as much as several others.
///
/// If no more can be accepted, it waits a second, and logs that once a minute at most. NIO's AcceptBackoffHandler does not help: if
/// the very first accept of a round fails, as at the descriptor limit, NIO stays registered for reading and spins (seen with
/// 2.101.2). Switching reading off and on helps.
final class ListenerHandler: ChannelInboundHandler {
  typealias InboundIn = any Channel

  /// How many are accepted in a turn, including NIO's, and how long a turn may take, in nanoseconds.
  private static let mostInTurn = 256
  private static let turn: Int64 = 1_000_000
  /// How long it rests. Other users who connect in that time wait no longer than that.
  private static let rest = TimeAmount.microseconds(250)
  private static let pause = TimeAmount.seconds(1)
  private static let quiet = TimeAmount.minutes(1)

  private let listener: Int32
  private let shares: UserShares
  private let logger: Logger
  private var quietUntil = NIODeadline.distantPast
  private var isResting = false
  /// Whether a user without a share left connected in this turn.
  private var isCrowded = false

  /// - Parameter listener: the listening descriptor, which NIO owns.
  init(_ listener: Int32, _ shares: UserShares, _ logger: Logger) {
    self.listener = listener
    self.shares = shares
    self.logger = logger
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let channel = unwrapInboundIn(data)
    isCrowded = false
    do {
      // One way for all: a client's channel is made from its descriptor when its turn comes.
      let copy = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
        cmsr_duplicate($0)
      }
      channel.close(promise: nil)
      guard let copy else { return }
      guard copy.error == 0 else { return fail(copy.error, context) }
      take(copy.descriptor)
    } catch {
      // It has ended already.
      channel.close(promise: nil)
      return logger.debug("Cannot accept a connection: \(error).")
    }
    acceptMore(context)
    if isCrowded { rest(Self.rest, context.channel) }
  }

  private func take(_ descriptor: Int32) {
    if !shares.take(descriptor) { isCrowded = true }
  }

  private func acceptMore(_ context: ChannelHandlerContext) {
    let end = cmsr_monotonic_nanoseconds() + Self.turn
    for _ in 1..<Self.mostInTurn where context.channel.isActive {
      let accepted = cmsr_accept(listener)
      guard accepted.error == 0 else { return fail(accepted.error, context) }
      take(accepted.descriptor)
      if cmsr_monotonic_nanoseconds() >= end { return }
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? IOError else { return logger.debug("Cannot accept a connection: \(error).") }
    fail(error.errnoCode, context)
  }

  private func fail(_ error: Int32, _ context: ChannelHandlerContext) {
    if error == EAGAIN { return }
    guard [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error) else {
      // The client disconnected before it was accepted.
      return logger.debug("Cannot accept a connection: \(errorText(error)).")
    }
    rest(Self.pause, context.channel)
    let now = NIODeadline.now()
    guard now >= quietUntil else { return }
    quietUntil = now + Self.quiet
    logger.warning(
      "Cannot accept more clients for now: \(errorText(error)). To serve more, raise the limit on open files (LimitNOFILE=)."
    )
  }

  private func rest(_ time: TimeAmount, _ channel: any Channel) {
    guard !isResting else { return }
    isResting = true
    Self.setReading(false, of: channel, logger)
    channel.eventLoop.assumeIsolated().scheduleTask(in: time) { [self] in
      isResting = false
      Self.setReading(true, of: channel, logger)
    }
  }

  private static func setReading(_ reading: Bool, of channel: any Channel, _ logger: Logger) {
    channel.setOption(.autoRead, value: reading).whenFailure { error in
      // The listener was closed in the meantime: the service ends.
      logger.debug("The listening socket was closed: \(error).")
    }
  }
}
