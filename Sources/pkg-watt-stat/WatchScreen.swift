internal import CMSRShim
internal import Glibc
internal import PowerClient
internal import PowerProtocol
internal import Terminal

/// The full-screen form of `watch`: passes the service's answers and the pressed keys to the view, and draws it.
struct WatchScreen {
  let service: ClientOptions
  let interval: Double?
  let abilities: TerminalAbilities
  private var view = LiveView()
  /// When the latest frame was drawn, by CLOCK_MONOTONIC, and whether the view has changed since.
  private var drawnMilliseconds = Int64.min / 2
  private var isChanged = true

  /// The least time between frames: more than an eye can tell apart are not drawn.
  private static let frameMilliseconds: Int64 = 40
  /// How often ages are updated, and a connection to a service that is gone is tried.
  private static let tickMilliseconds: Int32 = 1000
  private static let daySeconds = 86_400
  private static let fineSeconds = 900

  init(service: ClientOptions, interval: Double?, abilities: TerminalAbilities) {
    self.service = service
    self.interval = interval
    self.abilities = abilities
  }

  /// Shows the view until a person or a signal ends it.
  ///
  /// - Throws: if at the start there is no service, or none that gives readings. It waits for one that goes away later.
  mutating func run() throws {
    // Before the screen is taken, so that an error is an ordinary sentence on stderr.
    var connection = try service.open()
    var screen = try FullScreen(output: STDOUT_FILENO, keys: STDIN_FILENO)
    while true {
      do throws(ClientError) {
        guard try follow(&connection, &screen) else { return }
      } catch {
        guard view.model.reading != nil, error.isEndOfService else { throw error }
        view.model.lost(error.isClosed ? "The service has ended or is restarting." : "\(error)")
      }
      guard let next = try reconnect(&screen) else { return }
      connection = next
    }
  }

  /// - Returns: whether to go on, with another connection.
  private mutating func follow(_ connection: inout PowerConnection, _ screen: inout FullScreen) throws(ClientError)
    -> Bool
  {
    view.model.connected(warning: service.warning(of: connection))
    // Their answers come in this order, between the readings. A service that slept has a sample only once it is awake, and
    // its history then tells of the time asleep too.
    var asked: [Request] = [
      .info, .sample(), .history(seconds: Self.daySeconds), .history(seconds: Self.fineSeconds),
      .subscribe(intervalSeconds: interval),
    ]
    var again: [Request] = []
    for request in asked { try connection.send(request) }
    while true {
      guard draw(&screen) else { return false }
      switch try connection.next(or: screen.descriptor, milliseconds: patience) {
      case .timeout: isChanged = true
      case .other:
        guard handle(screen.events()) else { return false }
      case .answer(let answer):
        if let request = asked.first, answer.answers(request) { asked.removeFirst() }
        if case .refused(let refusal) = answer, !asked.isEmpty {
          let request = asked.removeFirst()
          switch refusal.code {
          case "busy": again.append(request)
          case "unknown_request", "no_reading": break
          default: throw .refused(path: connection.path, refusal)
          }
        }
        if case .sample = answer, !again.isEmpty {
          for request in again { try connection.send(request) }
          asked += again
          again = []
        }
        view.apply(answer)
        isChanged = true
      }
    }
  }

  /// Tries to connect once a second; nil once the view has to end.
  private mutating func reconnect(_ screen: inout FullScreen) throws -> PowerConnection? {
    while true {
      isChanged = true
      guard draw(&screen) else { return nil }
      let waited = cmsr_wait_readable(screen.descriptor, -1, Self.tickMilliseconds)
      if waited == 0 {
        guard handle(screen.events()) else { return nil }
        continue
      }
      do throws(ClientError) {
        // A listener that lets nobody in must not keep keys and signals waiting.
        return try service.open(interrupt: screen.descriptor)
      } catch {
        guard error.isEndOfService || error == .interrupted else { throw error }
      }
    }
  }

  /// - Returns: whether to go on.
  private mutating func handle(_ events: [ScreenEvent]) -> Bool {
    for event in events {
      switch event {
      case .end, .key(.quit): return false
      case .key(let key): view.press(key, now: WatchCommand.now)
      case .redraw: break
      }
    }
    isChanged = true
    drawnMilliseconds = Int64.min / 2
    return true
  }

  /// Draws what has changed, if it is time to.
  ///
  /// - Returns: whether to go on: false if the terminal is gone.
  private mutating func draw(_ screen: inout FullScreen) -> Bool {
    guard isChanged, patienceForFrame == 0 else { return true }
    let size = screen.size
    let lines = view.lines(size: size, characters: abilities.characters, now: WatchCommand.now)
    do throws(ScreenError) {
      try screen.show(Frame.bytes(lines, size: size, colours: abilities.hasColours))
    } catch {
      return false
    }
    isChanged = false
    drawnMilliseconds = Self.milliseconds
    return true
  }

  /// How long to wait for something new.
  private var patience: Int32 { isChanged ? max(patienceForFrame, 1) : Self.tickMilliseconds }

  /// How long until the next frame may be drawn.
  private var patienceForFrame: Int32 {
    Int32(clamping: max(drawnMilliseconds + Self.frameMilliseconds - Self.milliseconds, 0))
  }

  private static var milliseconds: Int64 { cmsr_monotonic_nanoseconds() / 1_000_000 }
}

extension Answer {
  /// Whether this is what a request asks for.
  fileprivate func answers(_ request: Request) -> Bool {
    switch (self, request) {
    case (.info, .info), (.history, .history), (.sample, .sample), (.subscribed, .subscribe): true
    default: false
    }
  }
}

extension ClientError {
  fileprivate var isClosed: Bool {
    if case .closed = self { true } else { false }
  }
}
