internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import RAPL

/// Serves metrics and a page over HTTP: one thread that answers, and one that asks the service.
public final class ExporterServer: Sendable {
  private typealias Running = (router: Router, table: ConnectionTable)

  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private let thread = NIOThreadPool(numberOfThreads: 1)
  private let running: NIOLoopBoundBox<Running?>
  private let settings: ExporterSettings
  private let address: ListenAddress

  /// Starts the threads.
  ///
  /// - Parameter onChange: called on the server's thread when the service answers (nil), and when it does not for another reason
  ///   than before.
  public init(
    _ service: any PowerService, at address: ListenAddress, settings: ExporterSettings,
    onChange: @escaping @Sendable ((any Error)?) -> Void = { _ in }
  ) {
    self.settings = settings
    self.address = address
    let loop = group.any()
    let running = NIOLoopBoundBox<Running?>.makeEmptyBox(valueType: Running.self, eventLoop: loop)
    self.running = running
    thread.start()
    let thread = thread
    let settings = settings
    loop.execute {
      let desk = ServiceDesk(service, loop: loop, thread: thread, keep: settings.keep)
      running.value = (
        Router(desk, loop: loop, version: settings.version, isLoopback: address.isLoopback, onChange: onChange),
        ConnectionTable(most: settings.mostConnections)
      )
    }
  }

  /// Listens.
  ///
  /// - Returns: the address, with the port that was chosen if 0 was given.
  public func start() throws(ListenError) -> ListenAddress {
    guard let socketAddress = address.socketAddress else { throw ListenError(address: address, errno: EINVAL) }
    do {
      let listener = try bootstrap.bind(to: socketAddress).wait()
      return ListenAddress(listener.localAddress) ?? address
    } catch {
      throw ListenError(address: address, errno: (error as? IOError)?.errnoCode ?? EINVAL)
    }
  }

  /// Closes every connection, and ends the threads.
  public func stop() throws {
    try group.syncShutdownGracefully()
    try thread.syncShutdownGracefully()
  }

  /// More than any browser or scraper sends.
  private static var limits: NIOHTTPDecoderLimitConfiguration {
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = 8192
    limits.maxHeaderListSize = 16_384
    limits.maxHeaderFieldCount = 100
    return limits
  }

  private var bootstrap: ServerBootstrap {
    let running = running
    let settings = settings
    return ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 256)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.maxMessagesPerRead, value: 1)
      // A client that has sent all requests may close that direction, and still gets its answers.
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard let now = running.value, now.table.makeRoom() else { throw ChannelError.eof }
          let pipeline = channel.pipeline.syncOperations
          try pipeline.configureHTTPServerPipeline(
            withErrorHandling: false, withEncoderConfiguration: .init(), withDecoderLimitConfiguration: Self.limits)
          try pipeline.addHandler(RequestHandler(now.router, patience: settings.patience, table: now.table))
        }
      }
  }
}

/// The limits of an exporter.
public struct ExporterSettings: Sendable {
  /// This program's version.
  public var version: String
  /// How many connections are served at the same time. One more replaces the one that has been idle longest.
  public var mostConnections = 64
  /// How long a request may take to arrive, and an answer to be made and read, in seconds.
  public var patienceSeconds = 10.0
  /// How long the connection to the service is kept after the latest request, in seconds: a page that asks every second keeps
  /// one connection, and a scraper that asks every 15 s does not keep the service awake.
  public var keepSeconds = 3.0

  /// The default limits.
  public init(version: String) {
    self.version = version
  }

  var patience: TimeAmount { .nanoseconds(Int64(nanosecondsIn: patienceSeconds)) }
  var keep: TimeAmount { .nanoseconds(Int64(nanosecondsIn: keepSeconds)) }
}
