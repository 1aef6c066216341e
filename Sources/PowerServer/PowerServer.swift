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
    var listeners: [any Channel] = []
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
      running.value = Running(feed: feed, broadcaster: broadcaster, desk: desk)
      feed.start()
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
    for socket in sockets {
      let listener = try listen(socket).wait()
      let running = running
      try group.any().submit { running.value?.listeners.append(listener) }.wait()
      // NIO listens anew, with a backlog of its own.
      let error = cmsr_listen(socket.descriptor, SocketFile.backlog)
      if error != 0 { throw SocketError.failed(path: socket.path, step: "listen at", errno: error) }
    }
  }

  /// Removes the sockets, closes every connection, and ends the thread.
  public func stop() {
    for socket in sockets {
      do {
        try socket.remove()
      } catch {
        logger.warning("\(error)")
      }
    }
    let running = running
    do {
      try group.any().submit {
        running.value?.feed.stop()
        for listener in running.value?.listeners ?? [] { listener.close(promise: nil) }
        running.value?.broadcaster.closeAll()
        running.value = nil
      }.wait()
      try group.syncShutdownGracefully()
    } catch {
      logger.warning("The server did not end in order: \(error).")
    }
  }

  private func listen(_ socket: SocketFile) -> EventLoopFuture<any Channel> {
    let running = running
    let logger = logger
    return ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: SocketFile.backlog)
      .serverChannelOption(.maxMessagesPerRead, value: 256)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(ListenerHandler(logger))
        }
      }
      .childChannelOption(.socketOption(.so_sndbuf), value: 1)  // the kernel makes it its minimum
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 1024))
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard let server = running.value else { throw ChannelError.eof }
          try channel.pipeline.syncOperations.addHandler(ClientHandler(server.broadcaster, desk: server.desk))
        }
      }
      .withBoundSocket(socket.descriptor)
  }
}
