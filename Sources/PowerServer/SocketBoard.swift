internal import CMSRShim
internal import Logging
internal import NIOCore
internal import NIOPosix

/// The sockets of a running server: those that it listens at, and those that it would. Lives on the event loop.
///
/// A socket whose file somebody has removed is bound anew, and a path that is not free is tried again every minute.
final class SocketBoard {
  private struct Served {
    var file: SocketFile
    var listener: any Channel
    /// Whether it was said that its file is gone.
    var isMissed = false
  }

  private let eventLoop: any EventLoop
  private let shares: UserShares
  private let logger: Logger
  private var served: [Served] = []
  private var wanted: [WantedSocket]
  /// From try to try, in nanoseconds.
  private let retry: Int64
  /// From look to look at the least, in nanoseconds.
  private let pause: Int64
  private var lastLook: Int64
  private lazy var alarm = Alarm(on: eventLoop) { [weak self] in self?.tryAgain() }
  private var isRetrying = false

  init(_ settings: ServerSettings, shares: UserShares, on eventLoop: any EventLoop, logger: Logger) {
    wanted = settings.wantedSockets
    retry = Int64(settings.socketRetrySeconds * 1e9)
    pause = Int64(settings.socketLookSeconds * 1e9)
    self.shares = shares
    self.eventLoop = eventLoop
    self.logger = logger
    lastLook = cmsr_monotonic_nanoseconds()
  }

  /// Begins to try again.
  func start() {
    planRetry()
  }

  /// Answers at a socket.
  func serve(_ file: SocketFile) -> EventLoopFuture<Void> {
    listen(file).assumeIsolated().map { [self] listener in served.append(Served(file: file, listener: listener)) }
      .nonisolated()
  }

  /// Looks whether all files are still there.
  func look() {
    let now = cmsr_monotonic_nanoseconds()
    guard now - lastLook >= pause else { return }
    lastLook = now
    for index in served.indices where !served[index].isMissed && !served[index].file.isInPlace {
      let file = served[index].file
      if !file.isOurs {
        served[index].isMissed = true
        logger.warning(
          "Somebody has removed or replaced \(file.path), so no new client finds the service there; start its socket unit again."
        )
      } else if let why = putBack(index) {
        served[index].isMissed = true
        logger.warning(
          "Somebody has removed or replaced \(file.path), so no new client finds the service there. It is tried again every minute: \(why)"
        )
      }
    }
    planRetry()
  }

  /// Listens no more, and removes the files.
  func close() {
    alarm.cancel()
    for each in served {
      each.listener.close(promise: nil)
      do {
        try each.file.remove()
      } catch {
        logger.warning("\(error)")
      }
    }
    served = []
  }

  /// - Returns: why it cannot be.
  private func putBack(_ index: Int) -> SocketError? {
    let old = served[index]
    do throws(SocketError) {
      let file = try old.file.boundAnew()
      // Who waits at the old one is accepted before it is closed.
      served[index].file = file
      served[index].isMissed = false
      listen(file).assumeIsolated().whenComplete { [self] result in
        switch result {
        case .success(let listener):
          old.listener.close(promise: nil)
          if let now = served.firstIndex(where: { $0.file === file }) { served[now].listener = listener }
          logger.warning("Somebody had removed \(file.path); it is there again.")
        case .failure(let error): logger.error("Cannot serve at \(file.path) again: \(error).")
        }
      }
      return nil
    } catch {
      return error
    }
  }

  private func planRetry() {
    let isNeeded = !wanted.isEmpty || served.contains { $0.isMissed && $0.file.isOurs }
    guard isNeeded, !isRetrying else { return }
    isRetrying = true
    alarm.set(at: cmsr_monotonic_nanoseconds() + retry)
  }

  private func tryAgain() {
    isRetrying = false
    defer { planRetry() }
    for index in served.indices where served[index].isMissed && served[index].file.isOurs {
      if served[index].file.isInPlace {
        served[index].isMissed = false
      } else if let why = putBack(index) {
        logger.debug("\(why)")
      }
    }
    for place in wanted {
      do throws(SocketError) {
        let file = try SocketFile.bind(place.path, mode: place.mode, owner: nil)
        wanted.removeAll { $0 == place }
        serve(file).assumeIsolated().whenComplete { [logger] result in
          switch result {
          case .success: logger.info("Serving at \(file.path) too.")
          case .failure(let error): logger.error("Cannot serve at \(file.path): \(error).")
          }
        }
      } catch {
        logger.debug("\(error)")
      }
    }
  }

  private func listen(_ file: SocketFile) -> EventLoopFuture<any Channel> {
    let shares = NIOLoopBound(shares, eventLoop: eventLoop)
    let logger = logger
    return ServerBootstrap(group: eventLoop)
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
        // NIO listens anew, with a backlog of its own.
        let error = cmsr_listen(file.descriptor, SocketFile.backlog)
        if error != 0 { throw SocketError.failed(path: file.path, step: "listen at", errno: error) }
        return listener
      }
  }
}
