internal import Glibc
internal import Logging
internal import NIOCore

/// Says that no more clients can be accepted, once a minute at most; waiting is AcceptBackoffHandler's part.
final class ListenerHandler: ChannelInboundHandler {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel

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
    let now = NIODeadline.now()
    guard now >= quietUntil else { return }
    quietUntil = now + Self.quiet
    logger.warning(
      "No more clients can be accepted for now (\(error)); raise the limit on open files (LimitNOFILE=) to serve more.")
  }
}
