internal import CMSRShim
public import Logging
internal import NIOCore
internal import NIOPosix
public import RAPL

/// Serves readings on Unix sockets: one thread that samples (or is handed samples), accepts and sends.
public final class PowerServer: Sendable {
  private struct Running {
    let feed: any Feed
    let broadcaster: Broadcaster
    let desk: RequestDesk
    let sockets: SocketBoard
  }

  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private let running: NIOLoopBoundBox<Running?>
  private let sockets: [SocketFile]
  private let logger: Logger

  /// Starts the thread, and samples.
  ///
  /// - Parameters:
  ///   - source: read on the server's thread from now on.
  ///   - begun: the source's snapshot that the first window begins with.
  ///   - sockets: listening already; removed by `stop()`.
  public convenience init(
    source: any EnergySource, begun: EnergySnapshot, sockets: [SocketFile], settings: ServerSettings, logger: Logger
  ) {
    self.init(
      sockets: sockets, settings: settings, access: AccessPolicy(settings), begun: begun,
      isSimulated: source.isSimulated, logger: logger
    ) { broadcaster, loop in
      Sampler(
        source: source, begun: begun, settings: settings, broadcaster: broadcaster, eventLoop: loop, logger: logger)
    }
  }

  /// Starts the thread, and hands on what `publish(_:)` is given.
  ///
  /// - Parameter sockets: listening already; removed by `stop()`.
  public convenience init(relayingTo sockets: [SocketFile], settings: ServerSettings, logger: Logger) {
    self.init(
      sockets: sockets, settings: settings, access: AccessPolicy(settings, isRelayed: true), begun: nil,
      isSimulated: false, logger: logger
    ) { broadcaster, loop in
      Relay(settings: settings, broadcaster: broadcaster, eventLoop: loop)
    }
  }

  private init(
    sockets: [SocketFile], settings: ServerSettings, access: AccessPolicy, begun: EnergySnapshot?, isSimulated: Bool,
    logger: Logger,
    feed: @escaping @Sendable (Broadcaster, any EventLoop) -> any Feed
  ) {
    self.sockets = sockets
    self.logger = logger
    let loop = group.any()
    let running = NIOLoopBoundBox<Running?>.makeEmptyBox(valueType: Running.self, eventLoop: loop)
    self.running = running
    loop.execute {
      let broadcaster = Broadcaster(settings: settings, access: access, logger: logger)
      let feed = feed(broadcaster, loop)
      broadcaster.wake = { [weak feed] in feed?.wake() }
      broadcaster.rest = { [weak feed] in feed?.rest() }
      let desk = RequestDesk(
        settings: settings, begun: begun, isSimulated: isSimulated, broadcaster: broadcaster, feed: feed)
      let shares = UserShares(mostConnections: settings.connectionsOfUser, on: loop, logger: logger)
      shares.begin = Self.beginner(loop, broadcaster, desk, logger)
      let listen = SocketListening.beginner(shares, on: loop, logger: logger)
      let board = SocketBoard(settings, on: loop, logger: logger, listen: listen)
      broadcaster.tend = { [weak board] in board?.look() }
      running.value = Running(feed: feed, broadcaster: broadcaster, desk: desk, sockets: board)
      feed.start()
      board.start()
    }
  }

  /// Says that no sample is to be expected for now: until the next one, the latest is `stale`. From any thread.
  public func lose() {
    let running = running
    group.any().execute { (running.value?.feed as? Relay)?.lose() }
  }

  /// Runs tasks on the server's thread, so that what delivers samples needs none of its own.
  public var taskExecutor: any TaskExecutor { EventLoopTaskExecutor(group.any()) }

  /// Hands on a sample, where the server was made to relay; from any thread.
  public func publish(_ sample: RelayedSample) {
    let running = running
    group.any().execute { (running.value?.feed as? Relay)?.publish(sample) }
  }

  /// Answers on every socket.
  ///
  /// - Throws: what the system says where a socket cannot be served.
  public func start() throws {
    let running = running
    let loop = group.any()
    for socket in sockets {
      try loop.flatSubmit { running.value?.sockets.serve(socket) ?? loop.makeFailedFuture(ChannelError.eof) }.wait()
    }
  }

  /// Removes the sockets, closes every connection, and ends the thread.
  public func stop() {
    let running = running
    do {
      try group.any().submit {
        running.value?.feed.stop()
        running.value?.sockets.close()
        running.value?.broadcaster.closeAll()
        running.value = nil
      }.wait()
      try group.syncShutdownGracefully()
    } catch {
      logger.warning("The server did not end in order: \(error).")
    }
  }

  /// What begins to serve the connection behind a descriptor.
  private static func beginner(
    _ loop: any EventLoop, _ broadcaster: Broadcaster, _ desk: RequestDesk, _ logger: Logger
  ) -> (Int32, UserShare) -> Void {
    let client = NIOLoopBoundBox<ClientHandler?>(nil, eventLoop: loop)
    let bootstrap = ClientBootstrap(group: loop)
      .channelOption(.socketOption(.so_sndbuf), value: 1)  // the kernel makes it its minimum
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelOption(.maxMessagesPerRead, value: 1)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 1024))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard let handler = client.value else { throw ChannelError.eof }
          try channel.pipeline.syncOperations.addHandler(handler)
        }
      }
    return { descriptor, share in
      // On the event loop the channel is made at once.
      client.value = ClientHandler(broadcaster, desk: desk, share: share)
      bootstrap.withConnectedSocket(descriptor).whenFailure { error in
        logger.debug("A client could not be served: \(error).")
      }
      client.value = nil
    }
  }
}
