public import PowerClient
internal import PowerProtocol

/// The full-screen form of `watch`: passes the service's answers and the pressed keys to the view, and draws it.
public struct WatchScreen {
  private let service: ServiceAddress
  private let interval: Double?
  private let abilities: TerminalAbilities
  private var view = LiveView()

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
    var canvas = try Canvas(abilities)
    while true {
      do throws(ClientError) {
        guard try follow(&connection, &canvas) else { return }
      } catch {
        guard view.model.reading != nil, error.isEndOfService else { throw error }
        if case .closed = error {
          view.model.lost("The service has ended or is restarting.")
        } else {
          view.model.lost("\(error)")
        }
      }
      guard let next = try reconnect(&canvas) else { return }
      connection = next
    }
  }

  /// - Returns: whether to go on, with another connection.
  private mutating func follow(_ connection: inout PowerConnection, _ canvas: inout Canvas) throws(ClientError)
    -> Bool
  {
    view.model.connected(warning: service.untrusted(connection).map { "\($0)" })
    var requests = WatchRequests(intervalSeconds: interval)
    for request in requests.first { try connection.send(request) }
    while true {
      guard draw(&canvas) else { return false }
      switch try connection.next(or: canvas.descriptor, until: canvas.deadline) {
      case .timeout: canvas.change()
      case .other:
        guard handle(canvas.events()) else { return false }
      case .arrived(let answer):
        let again: [Request]
        do throws(Refusal) {
          again = try requests.take(answer)
        } catch {
          throw .refused(path: connection.path, error)
        }
        for request in again { try connection.send(request) }
        view.apply(answer)
        canvas.change()
      }
    }
  }

  /// Tries to connect once a second; nil once the view has to end.
  private mutating func reconnect(_ canvas: inout Canvas) throws -> PowerConnection? {
    while true {
      canvas.change()
      guard draw(&canvas) else { return nil }
      if canvas.waits() {
        guard handle(canvas.events()) else { return nil }
        continue
      }
      do throws(ClientError) {
        // A listener that lets nobody in must not keep keys and signals waiting.
        return try service.open(interrupt: canvas.descriptor)
      } catch {
        guard error.isEndOfService || error == .interrupted else { throw error }
      }
    }
  }

  /// - Returns: whether to go on.
  private mutating func handle(_ events: [ScreenEvent]) -> Bool {
    for event in events {
      switch event {
      case .end: return false
      case .stroke(let stroke):
        guard let key = Key(stroke) else { continue }
        if key == .quit { return false }
        view.press(key, now: Canvas.now)
      case .redraw: break
      }
    }
    return true
  }

  private func draw(_ canvas: inout Canvas) -> Bool {
    canvas.draw { view.lines(size: $0, characters: $1, now: $2) }
  }
}
