internal import CMSRShim
internal import Glibc
public import PowerClient
internal import PowerProtocol

/// The full-screen form of `watch`: passes the service's answers and the pressed keys to the view, and draws it.
public struct WatchScreen {
  private let service: ServiceAddress
  private let interval: Double?
  private let abilities: TerminalAbilities
  private var view = LiveView()
  private var pacer = FramePacer()

  /// A screen on stdout, with keys from stdin.
  ///
  /// - Parameter interval: seconds between readings; nil for the service's own interval.
  public init(service: ServiceAddress, interval: Double?, abilities: TerminalAbilities) {
    self.service = service
    self.interval = interval
    self.abilities = abilities
  }

  /// Shows the view until a person or a signal ends it.
  ///
  /// - Throws: if at the start there is no service, or none that gives readings. It waits for one that goes away later.
  public mutating func run() throws {
    // Before the screen is taken, so that an error is an ordinary sentence on stderr.
    var connection = try service.open()
    var screen = try FullScreen(output: STDOUT_FILENO, keys: STDIN_FILENO)
    while true {
      do throws(ClientError) {
        guard try follow(&connection, &screen) else { return }
      } catch {
        guard view.model.reading != nil, error.isEndOfService else { throw error }
        if case .closed = error {
          view.model.lost("The service has ended or is restarting.")
        } else {
          view.model.lost("\(error)")
        }
      }
      guard let next = try reconnect(&screen) else { return }
      connection = next
    }
  }

  /// - Returns: whether to go on, with another connection.
  private mutating func follow(_ connection: inout PowerConnection, _ screen: inout FullScreen) throws(ClientError)
    -> Bool
  {
    view.model.connected(warning: service.untrusted(connection).map { "\($0)" })
    var requests = WatchRequests(intervalSeconds: interval)
    for request in requests.first { try connection.send(request) }
    while true {
      guard draw(&screen) else { return false }
      let deadline = cmsr_monotonic_nanoseconds() + Int64(pacer.patience(at: Self.milliseconds)) * 1_000_000
      switch try connection.next(or: screen.descriptor, until: deadline) {
      case .timeout: pacer.change()
      case .other:
        guard handle(screen.events()) else { return false }
      case .arrived(let answer):
        let again: [Request]
        do throws(Refusal) {
          again = try requests.take(answer)
        } catch {
          throw .refused(path: connection.path, error)
        }
        for request in again { try connection.send(request) }
        view.apply(answer)
        pacer.change()
      }
    }
  }

  /// Tries to connect once a second; nil once the view has to end.
  private mutating func reconnect(_ screen: inout FullScreen) throws -> PowerConnection? {
    while true {
      pacer.change()
      guard draw(&screen) else { return nil }
      if cmsr_wait_readable(screen.descriptor, -1, -1, FramePacer.tickMilliseconds) == 0 {
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
      case .key(let key): view.press(key, now: Self.now)
      case .redraw: break
      }
    }
    pacer.hurry()
    return true
  }

  /// Draws what has changed, if it is time to.
  ///
  /// - Returns: whether to go on: false if the terminal is gone.
  private mutating func draw(_ screen: inout FullScreen) -> Bool {
    guard pacer.isDue(at: Self.milliseconds) else { return true }
    let size = screen.size
    let lines = view.lines(size: size, characters: abilities.characters, now: Self.now)
    do throws(ScreenError) {
      try screen.show(Frame.bytes(lines, size: size, colours: abilities.hasColours))
    } catch {
      return false
    }
    pacer.draw(at: Self.milliseconds)
    return true
  }

  private static var milliseconds: Int64 { cmsr_monotonic_nanoseconds() / 1_000_000 }
  /// Seconds since 1970.
  private static var now: Double { Double(cmsr_realtime_nanoseconds()) / 1e9 }
}
