internal import CMSRShim
internal import Logging
internal import NIOCore

/// The sockets of a running server: those that it serves at, and those that it would serve at. Lives on the event loop.
///
/// If somebody deletes a socket's file, it is bound again; a path that is not free is tried again every minute.
final class SocketBoard {
  /// Begins to accept at a socket's descriptor, and takes ownership of it.
  typealias Listen = (SocketFile) -> EventLoopFuture<any Channel>

  private struct Served {
    let file: SocketFile
    var listener: any Channel
    var state = State.there
  }

  private enum State {
    case there
    /// It was logged that its file is gone.
    case missed
    /// Its file is there again, but nothing accepts at it yet.
    case returning
  }

  private let eventLoop: any EventLoop
  private let listen: Listen
  private let logger: Logger
  private var served: [Served] = []
  private var wanted: [WantedSocket]
  /// The time between tries, in nanoseconds.
  private let retry: Int64
  /// From check to check at the least, in nanoseconds.
  private let pause: Int64
  private var lastCheck: Int64
  private lazy var alarm = Alarm(on: eventLoop) { [weak self] in self?.tryAgain() }
  private var isRetrying = false
  private var isClosed = false

  init(_ settings: ServerSettings, on eventLoop: any EventLoop, logger: Logger, listen: @escaping Listen) {
    wanted = settings.wantedSockets
    retry = settings.socketRetry
    pause = settings.socketCheck
    self.eventLoop = eventLoop
    self.listen = listen
    self.logger = logger
    lastCheck = cmsr_monotonic_nanoseconds()
  }

  /// Serves at a socket.
  func serve(_ file: SocketFile) -> EventLoopFuture<Void> {
    listen(file).assumeIsolated().flatMapThrowing { [self] listener in
      guard !isClosed else {
        listener.close(promise: nil)
        throw ChannelError.alreadyClosed
      }
      served.append(Served(file: file, listener: listener))
    }.nonisolated()
  }

  /// Checks that all files are still there.
  func checkFiles() {
    let now = cmsr_monotonic_nanoseconds()
    guard now - lastCheck >= pause else { return }
    lastCheck = now
    for index in served.indices where served[index].state == .there && !served[index].file.isInPlace {
      let file = served[index].file
      if !file.isOurs {
        served[index].state = .missed
        logger.warning(
          "\(file.path) was deleted or replaced, so new clients cannot connect there; restart its socket unit (systemctl restart)."
        )
      } else if let why = putBack(index) {
        served[index].state = .missed
        logger.warning(
          "\(file.path) was deleted or replaced, so new clients cannot connect there. It is tried again every minute. \(why)"
        )
      }
    }
    planRetry()
  }

  /// Stops listening, and removes the files.
  func close() {
    isClosed = true
    alarm.cancel()
    for each in served {
      each.listener.close(promise: nil)
      remove(each.file)
    }
    served = []
  }

  /// - Returns: the error if it failed.
  private func putBack(_ index: Int) -> SocketError? {
    let (file, old) = (served[index].file, served[index].listener)
    do throws(SocketError) {
      try file.bindAnew()
      served[index].state = .returning
      listen(file).assumeIsolated().whenComplete { [self] result in
        let now = served.firstIndex { $0.file === file }
        switch result {
        case .success(let listener):
          guard let now else { return listener.close(promise: nil) }
          // Clients that wait at the old one are accepted before it is closed.
          old.close(promise: nil)
          served[now].listener = listener
          served[now].state = .there
          logger.warning("\(file.path) was deleted; the service made it again.")
        case .failure(let error):
          abandon(file, because: error)
          if let now { served[now].state = .missed }
          planRetry()
        }
      }
      return nil
    } catch {
      return error
    }
  }

  /// A client that finds a socket must find one that answers.
  private func abandon(_ file: SocketFile, because error: any Error) {
    logger.error("Cannot serve at \(file.path). It is tried again every minute. Reason: \(error)")
    remove(file)
  }

  private func remove(_ file: SocketFile) {
    do {
      try file.remove()
    } catch {
      logger.warning("\(error)")
    }
  }

  /// Tries again after a while, if anything has failed.
  func planRetry() {
    let isNeeded = !wanted.isEmpty || served.contains { $0.state == .missed && $0.file.isOurs }
    guard isNeeded, !isRetrying, !isClosed else { return }
    isRetrying = true
    alarm.set(at: cmsr_monotonic_nanoseconds() + retry)
  }

  private func tryAgain() {
    isRetrying = false
    defer { planRetry() }
    for index in served.indices where served[index].state == .missed && served[index].file.isOurs {
      if served[index].file.isInPlace {
        served[index].state = .there
      } else if let why = putBack(index) {
        logger.debug("\(why)")
      }
    }
    for place in wanted {
      do throws(SocketError) {
        let file = try SocketFile.bind(place.path, mode: place.mode, owner: nil)
        wanted.removeAll { $0.path == place.path }
        serve(file).assumeIsolated().whenComplete { [self] result in
          switch result {
          case .success: logger.info("Now also serving at \(file.path).")
          case .failure where isClosed: remove(file)
          case .failure(let error):
            abandon(file, because: error)
            wanted.append(place)
            planRetry()
          }
        }
      } catch {
        logger.debug("\(error)")
      }
    }
  }
}
