internal import CMSRShim
internal import Formatting
internal import PowerProtocol
internal import RAPL

/// Serves the requests of protocol version 2. Lives on the event loop.
final class RequestDesk {
  /// The ways to answer a request.
  enum Reply {
    /// At once.
    case now(JSON)
    /// Later, by `ClientHandler.answer`.
    case later
    /// Bit by bit, because it is longer than a socket's buffer.
    case long(LongAnswer)
  }

  /// How many answers that are longer than a socket's buffer may be on their way to one user, so that clients who do not read cost
  /// little, and others nothing.
  private static let mostLongAnswersOfUser = 4
  /// How many such answers may be on their way to all users.
  private static let mostLongAnswers = 64

  private let settings: ServerSettings
  private let isSimulated: Bool
  private let packages: [ServiceInfo.Package]
  private let broadcaster: Broadcaster
  /// The feed that gives clients their samples.
  let feed: any Feed
  private let limits: LimitsDesk
  private var longAnswers: [UInt32: Int] = [:]

  /// - Parameter begun: the source's first snapshot.
  init(
    settings: ServerSettings, begun: EnergySnapshot?, isSimulated: Bool, broadcaster: Broadcaster, feed: any Feed,
    limits: LimitsDesk
  ) {
    self.settings = settings
    self.isSimulated = isSimulated
    self.broadcaster = broadcaster
    self.feed = feed
    self.limits = limits
    packages = begun?.packages ?? []
  }

  /// Whether the peer of a connection's descriptor is trusted.
  func trusts(_ descriptor: Int32) -> Bool { broadcaster.access.trusts(descriptor) }

  /// Serves a request, or refuses it with a reason.
  func serve(_ request: Request, from client: ClientHandler) throws(RequestError) -> Reply {
    let isTrusted = client.isTrusted
    switch request {
    case .info: return .now(info(broadcaster.access.policy(trusted: isTrusted)).json)
    case .sample(let domains):
      return answer(client, feed.sampleAsked(by: client, domains: domains), domains: domains)
    case .freshSample(let domains):
      guard isTrusted else { throw .freshNotAllowed(group: broadcaster.access.group?.name) }
      return answer(client, feed.freshAsked(by: client, domains: domains), domains: domains)
    case .history(let seconds):
      return try history(seconds, broadcaster.access.policy(trusted: isTrusted), user: client.share.user)
    case .limits: return limits.asked(by: client).map { .now($0.json) } ?? .later
    case .unsubscribe:
      feed.unsubscribe(client)
      client.leaveLines(isFast: false)
      return .now(Subscription(intervalSeconds: nil).json)
    case .subscribe(let seconds, let domains):
      var interval = try broadcaster.access.grant(
        seconds: seconds ?? Double(settings.interval) / 1e9, trusted: isTrusted)
      // Samples without a request do not count in the share of time, so only a limited number of a user's clients get more of them.
      let isFast = !isTrusted && interval < settings.interval && client.mayBeFast
      if !isTrusted && !isFast { interval = max(interval, settings.interval) }
      feed.subscribe(client, to: SampleStream.Key(interval: interval, isTrusted: isTrusted, hasDomains: domains))
      client.leaveLines(isFast: isFast)
      return .now(Subscription(intervalSeconds: Double(interval) / 1e9).json)
    }
  }

  private func answer(_ client: ClientHandler, _ answer: FeedAnswer, domains: Bool) -> Reply {
    if answer == .latest, let report = broadcaster.latestReport(trusted: client.isTrusted, domains: domains) {
      return .now(report)
    }
    if answer != .fresh { broadcaster.answerNext(client, domains: domains) }
    return .later
  }

  private func history(_ seconds: Int, _ policy: Policy, user: UInt32) throws(RequestError) -> Reply {
    guard longAnswers[user, default: 0] < Self.mostLongAnswersOfUser,
      longAnswers.values.reduce(0, +) < Self.mostLongAnswers
    else { throw .busy }
    longAnswers[user, default: 0] += 1
    let report = broadcaster.history.report(seconds: seconds, now: cmsr_boottime_nanoseconds(), policy: policy)
    let answer = LongAnswer(report) { [self] in
      longAnswers[user, default: 1] -= 1
      if longAnswers[user] == 0 { longAnswers[user] = nil }
    }
    return .long(answer)
  }

  private func info(_ policy: Policy) -> ServiceInfo {
    let description = settings.description
    return ServiceInfo(
      version: description.version, source: description.source, isSimulated: isSimulated,
      intervalSeconds: Double(settings.interval) / 1e9, cpu: description.cpu, description: description.summary,
      packages: packages.isEmpty ? broadcaster.latest?.window.end.packages ?? [] : packages, policy: policy)
  }
}

/// An answer that is longer than a socket's buffer, made bit by bit as it is sent.
final class LongAnswer {
  /// The rows of one bit: they are made in a fraction of a millisecond.
  private static let rowsOfPiece = 48

  private let report: HistoryReport
  private var piece = 0
  /// Called once all of it was made, or its client has gone.
  let ended: () -> Void

  init(_ report: HistoryReport, ended: @escaping () -> Void) {
    self.report = report
    self.ended = ended
  }

  /// The next bytes.
  func next() -> [UInt8] {
    let bytes = report.piece(piece, ofRows: Self.rowsOfPiece) ?? []
    piece += 1
    return bytes
  }

  /// Whether nothing of it is left.
  var isAtEnd: Bool { piece > 0 && piece * Self.rowsOfPiece >= report.rows.count }
}
