public import Attribution
public import PowerClient
internal import PowerProtocol
public import Processes
internal import SystemCalls

/// The full-screen form of `top`: puts the service's samples beside CPU time, passes tables and keys to the view, and draws it.
public struct TopScreen: ~Copyable {
  private let service: ServiceAddress
  private let interval: Double?
  private let abilities: TerminalAbilities
  private var meter: TopMeter
  private var view: TopView
  private var names = UserNameCache()

  /// A screen on stdout, with keys from stdin.
  ///
  /// - Parameter interval: seconds between tables; nil for the service's own interval.
  /// - Throws: if the CPU time cannot be read.
  public init(
    service: ServiceAddress, interval: Double?, by grouping: Grouping, sort order: TopTable.Order,
    only selection: TopSelection, abilities: TerminalAbilities
  ) throws(ProcessError) {
    (self.service, self.interval, self.abilities) = (service, interval, abilities)
    meter = try TopMeter(grouping)
    view = TopView(grouping: grouping, order: order, selection: selection, note: meter.note)
  }

  /// Shows the view until a person or a signal ends it.
  ///
  /// - Throws: if at the start there is no service, or none that gives readings. It waits for one that goes away later.
  public mutating func run() throws {
    // Before the screen is taken, so that an error is an ordinary sentence on stderr.
    var connection = try service.open()
    try begin(&connection)
    var canvas = try Canvas(abilities)
    while true {
      do {
        guard try follow(&connection, &canvas) else { return }
      } catch let error as ClientError {
        try lose(error)
      }
      guard let next = try reconnect(&canvas) else { return }
      connection = next
    }
  }

  /// Begins a subscription.
  private mutating func begin(_ connection: inout PowerConnection) throws(ClientError) {
    view.model.connected(warning: service.untrusted(connection).map { "\($0)" })
    let beginning = try connection.beginTop(intervalSeconds: interval)
    for answer in beginning.answers { view.model.apply(answer) }
    if let history = beginning.history { meter.learn(history) }
  }

  /// - Returns: whether to go on, with another connection.
  private mutating func follow(_ connection: inout PowerConnection, _ canvas: inout Canvas) throws -> Bool {
    while true {
      guard draw(&canvas) else { return false }
      switch try connection.next(or: canvas.descriptor, until: canvas.deadline) {
      case .timeout: canvas.change()
      case .other:
        guard handle(canvas.events()) else { return false }
      case .arrived(let answer):
        view.model.apply(answer)
        if case .sample(let sample) = answer { try take(sample) }
        canvas.change()
      }
    }
  }

  private mutating func take(_ sample: SampleReport) throws(ProcessError) {
    guard let window = try meter.take(sample) else { return view.skip() }
    view.show(TopTable(meter.ledger, window, by: view.order) { names.name(of: $0) })
  }

  private mutating func lose(_ error: ClientError) throws(ClientError) {
    guard view.model.reading != nil, error.isEndOfService else { throw error }
    if case .closed = error {
      view.model.lost("The service has ended or is restarting.")
    } else {
      view.model.lost("\(error)")
    }
  }

  /// Tries to connect once a second; nil once the view has to end.
  private mutating func reconnect(_ canvas: inout Canvas) throws -> PowerConnection? {
    meter.restart()
    view.skip()
    while true {
      canvas.change()
      guard draw(&canvas) else { return nil }
      if canvas.waits() {
        guard handle(canvas.events()) else { return nil }
        continue
      }
      do throws(ClientError) {
        // A listener that lets nobody in must not keep keys and signals waiting.
        var connection = try service.open(interrupt: canvas.descriptor)
        try begin(&connection)
        return connection
      } catch {
        guard error.isEndOfService || error == .interrupted else { throw error }
        if error != .interrupted { view.model.lost("\(error)") }
      }
    }
  }

  /// - Returns: whether to go on.
  private mutating func handle(_ events: [ScreenEvent]) -> Bool {
    for event in events {
      switch event {
      case .end: return false
      case .stroke(let stroke):
        switch view.press(stroke, now: Canvas.now) {
        case .quit: return false
        case .regroup(let grouping): regroup(to: grouping)
        case nil: break
        }
      case .redraw: break
      }
    }
    return true
  }

  private mutating func regroup(to grouping: Grouping) {
    do throws(ProcessError) {
      meter = try TopMeter(grouping, idle: meter.ledger.idle)
      view.regroup(to: grouping, note: meter.note)
    } catch {
      view.refuse("\(error)")
    }
  }

  private func draw(_ canvas: inout Canvas) -> Bool {
    let view = view
    return canvas.draw { view.lines(size: $0, characters: $1, now: $2) }
  }
}
