internal import Glibc
internal import Logging
internal import NIOCore

/// Waits a second where no more clients can be accepted, and says so once a minute at most.
///
/// NIO's AcceptBackoffHandler does not help here: where the very first accept of a round fails, as at the descriptor
/// limit, NIO stays registered for reading and spins (seen with 2.101.2). Switching reading off and on does help.
final class ListenerHandler: ChannelInboundHandler {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel

  private static let pause = TimeAmount.seconds(1)
  private static let quiet = TimeAmount.minutes(1)

  private let logger: Logger
  private var quietUntil = NIODeadline.distantPast

  init(_ logger: Logger) {
    self.logger = logger
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
      // A client that went before it was accepted.
      return logger.debug("A connection could not be accepted: \(error).")
    }
    let channel = context.channel
    Self.setReading(false, of: channel, logger)
    channel.eventLoop.scheduleTask(in: Self.pause) { [logger] in
      Self.setReading(true, of: channel, logger)
    }
    let now = NIODeadline.now()
    guard now >= quietUntil else { return }
    quietUntil = now + Self.quiet
    logger.warning(
      "No more clients can be accepted for now (\(error)); raise the limit on open files (LimitNOFILE=) to serve more.")
  }

  private static func setReading(_ reading: Bool, of channel: any Channel, _ logger: Logger) {
    channel.setOption(.autoRead, value: reading).whenFailure { error in
      // The listener was closed meanwhile: the service ends.
      logger.debug("The listener is gone: \(error).")
    }
  }
}
