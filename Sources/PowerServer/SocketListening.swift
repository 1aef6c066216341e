internal import CMSRShim
internal import Logging
internal import NIOCore
internal import NIOPosix

/// Accepts connections at the sockets.
enum SocketListening {
  /// Begins to accept at the sockets that it is given then.
  static func beginner(_ shares: UserShares, on eventLoop: any EventLoop, logger: Logger) -> SocketBoard.Listen {
    let shares = NIOLoopBound(shares, eventLoop: eventLoop)
    return { file in
      ServerBootstrap(group: eventLoop)
        .serverChannelOption(.backlog, value: SocketFile.backlog)
        .serverChannelOption(.maxMessagesPerRead, value: 1)
        .serverChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            let handler = ListenerHandler(file.descriptor, shares.value, logger)
            try channel.pipeline.syncOperations.addHandler(handler)
          }
        }
        .withBoundSocket(file.descriptor)
        .flatMapThrowing { listener in
          // NIO listens again, with its own backlog.
          let error = cmsr_listen(file.descriptor, SocketFile.backlog)
          guard error != 0 else { return listener }
          listener.close(promise: nil)
          throw SocketError.failed(path: file.path, step: "listen at", errno: error)
        }
    }
  }
}
