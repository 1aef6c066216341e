internal import CMSRShim
public import Logging
internal import NIOCore
internal import NIOPosix
public import PowerSources
public import RAPL

/// Serves readings on Unix sockets: one thread samples (or takes samples from outside), accepts and sends.
public final class PowerServer: Sendable {
  /// The origin of the samples; the relay again if it passes on those from outside; and the origin of the limits.
  private typealias Origin = (feed: any Feed, relay: Relay?, limits: LimitsDesk)

  private struct Running {
    let origin: Origin
    let broadcaster: Broadcaster
    let shares: UserShares
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
  ///   - begun: the source's snapshot at the start of the first window.
  ///   - sockets: already listening; removed by `stop()`.
  public convenience init(
    source: any EnergySource, begun: EnergySnapshot, sockets: [SocketFile], settings: ServerSettings, logger: Logger
  ) {
    self.init(
      sockets: sockets, settings: settings, access: AccessPolicy(settings), begun: begun,
      isSimulated: source.isSimulated, logger: logger
    ) { broadcaster, loop in
      let sampler = Sampler(
        source: source, begun: begun, settings: settings, broadcaster: broadcaster, eventLoop: loop, logger: logger)
      let limits = LimitsDesk(source.limits, of: settings, grid: sampler.publicGrid, eventLoop: loop)
      return (sampler, nil, limits)
    }
  }

  /// Starts the thread, and passes on the samples of `publish`.
  ///
  /// - Parameter sockets: already listening; removed by `stop()`.
  public convenience init(relayingTo sockets: [SocketFile], settings: ServerSettings, logger: Logger) {
    self.init(
      sockets: sockets, settings: settings, access: AccessPolicy(settings, isRelayed: true), begun: nil,
      isSimulated: false, logger: logger
    ) { broadcaster, loop in
      let relay = Relay(settings: settings, broadcaster: broadcaster, eventLoop: loop, logger: logger)
      return (relay, relay, LimitsDesk(nil, of: settings, grid: nil, eventLoop: loop))
    }
  }

  private init(
    sockets: [SocketFile], settings: ServerSettings, access: AccessPolicy, begun: EnergySnapshot?, isSimulated: Bool,
    logger: Logger,
    origin: @escaping @Sendable (Broadcaster, any EventLoop) -> Origin
  ) {
    self.sockets = sockets
    self.logger = logger
    let loop = group.any()
    let running = NIOLoopBoundBox<Running?>.makeEmptyBox(valueType: Running.self, eventLoop: loop)
    self.running = running
    loop.execute {
      let shares = UserShares(mostConnections: settings.connectionsOfUser, on: loop, logger: logger)
      let listen = Self.listening(shares, loop, logger)
      let board = SocketBoard(settings, on: loop, logger: logger, listen: listen)
      let broadcaster = Broadcaster(settings: settings, access: access, logger: logger) { [weak board] pulse in
        // Whenever it is awake anyway, so that it does not wake for the sockets.
        board?.checkFiles()
        settings.onPulse(pulse)
      }
      let origin = origin(broadcaster, loop)
      let desk = RequestDesk(
        settings: settings, begun: begun, isSimulated: isSimulated, broadcaster: broadcaster, feed: origin.feed,
        limits: origin.limits)
      shares.begin = Self.beginner(loop, desk, logger)
      running.value = Running(origin: origin, broadcaster: broadcaster, shares: shares, sockets: board)
      origin.feed.start()
      board.planRetry()
    }
  }

  /// Reports that no sample can be expected for now: until the next one, the latest is `stale`. Callable from any thread.
  public func lose() {
    let running = running
    group.any().execute { running.value?.origin.relay?.lose() }
  }

  /// Runs tasks on the server's thread, so that a source from outside needs no thread of its own.
  public var taskExecutor: any TaskExecutor { EventLoopTaskExecutor(group.any()) }

  /// Passes on a sample, if the server was made to relay. Callable from any thread.
  ///
  /// - Parameter powers: its packages and domains, packages first.
  public func publish(_ sample: PowerSample, _ powers: [RelayedPower]) {
    let running = running
    group.any().execute { running.value?.origin.relay?.publish(sample, powers) }
  }

  /// Serves at every socket.
  ///
  /// - Throws: the system's error if a socket cannot be served.
  public func start() throws {
    let running = running
    let loop = group.any()
    for socket in sockets {
      try loop.flatSubmit { running.value?.sockets.serve(socket) ?? loop.makeFailedFuture(ChannelError.eof) }.wait()
    }
  }

  /// Removes the sockets, gives the latest line to every connection that has had none yet, closes them, and ends the thread.
  public func stop() {
    let running = running
    do {
      try group.any().submit {
        running.value?.origin.feed.stop()
        running.value?.origin.limits.stop()
        running.value?.sockets.close()
        running.value?.shares.beginAll()
        running.value?.broadcaster.closeAll()
        running.value = nil
      }.wait()
      try group.syncShutdownGracefully()
    } catch {
      logger.warning("The server did not end properly: \(error).")
    }
  }

  /// Begins to accept at the sockets that it is given then.
  private static func listening(_ shares: UserShares, _ loop: any EventLoop, _ logger: Logger) -> SocketBoard.Listen {
    let shares = NIOLoopBound(shares, eventLoop: loop)
    return { file in
      ServerBootstrap(group: loop)
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

  /// Serves the connection of a descriptor.
  private static func beginner(
    _ loop: any EventLoop, _ desk: RequestDesk, _ logger: Logger
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
      client.value = ClientHandler(desk: desk, share: share)
      bootstrap.withConnectedSocket(descriptor).whenFailure { error in
        logger.debug("Cannot serve a client: \(error).")
      }
      client.value = nil
    }
  }
}

/// Runs tasks on an event loop.
private final class EventLoopTaskExecutor: TaskExecutor {
  private let loop: any EventLoop

  init(_ loop: any EventLoop) {
    self.loop = loop
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    loop.execute { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
