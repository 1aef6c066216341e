internal import CFUSE
internal import PowerClient
internal import PowerProtocol
internal import Powercap
internal import RAPL

/// Follows the service while somebody reads, and answers the readers who had to wait. It has a thread of its own, so that a
/// service that hangs keeps nobody from files that do not change.
struct Follower {
  /// The shortest window that everyone may have.
  private static let shortestStepSeconds = 0.25

  let address: ServiceAddress
  /// Told what changes with the service; nil once it is followed.
  let say: (ClientError?) -> Void

  /// Never returns.
  func run() -> Never {
    while true {
      // Nothing happens until somebody reads.
      ctree_sleep(Served.alarm)
      if Served.with({ $0.service }) == .followed { follow() }
    }
  }

  /// Subscribes until nobody reads any more, or the service fails.
  private func follow() {
    do throws(ClientError) {
      try subscribe()
    } catch {
      let until = ctree_monotonic_seconds() + TreeState.retrySeconds
      for request in Served.with({ $0.end(.away(until: until)) }) ?? [] { reply(request, nil) }
      say(error)
    }
  }

  private func subscribe() throws(ClientError) {
    var connection = try address.connectTrusting(interrupt: -1)
    let info = try connection.info()
    // A reader of a domain would have to wait for another window, so they are left out only if they cost something.
    let canLeaveOut = info.serves("subscribe", member: "domains") && EnergyZones(info).hasCostlyDomains
    var hasParts = !canLeaveOut || wantsParts
    let step = Self.step(info)
    let granted = try connection.subscribe(intervalSeconds: step, domains: hasParts).intervalSeconds ?? step
    Served.with { $0.begin(info, stepSeconds: granted) }
    say(nil)
    var sampled = ctree_monotonic_seconds()
    while true {
      let now = ctree_monotonic_seconds()
      let settled = Served.with { $0.settle(now) } ?? []
      for (request, bytes) in settled { reply(request, bytes) }
      if Served.with({ $0.endIfUnread(now) }) == true { return }
      let patience = Served.with { $0.patienceSeconds } ?? 0
      guard now - sampled < 2 * patience else {
        throw .silent(path: connection.path, seconds: Int(2 * patience))
      }
      if canLeaveOut && hasParts != wantsParts {
        hasParts.toggle()
        try connection.send(.subscribe(intervalSeconds: step, domains: hasParts))
      }
      let end = min(Served.with { $0.nextEvent } ?? now, sampled + 2 * patience, now + 60)
      switch try connection.next(or: Served.alarm, until: Int64(nanosecondsIn: max(now, end))) {
      case .arrived(.sample(let sample)):
        sampled = now
        Served.with { $0.take(sample) }
      case .arrived(.refused(let refusal)): throw .refused(path: connection.path, refusal)
      case .arrived, .timeout: break
      case .other: ctree_quieten(Served.alarm)
      }
    }
  }

  /// The time between the samples to subscribe to, in seconds: the public windows, also for a client that may have shorter ones.
  private static func step(_ info: ServiceInfo) -> Double {
    let shortest = max(shortestStepSeconds, info.policy.shortestIntervalSeconds)
    guard info.policy.isTrusted else { return shortest }
    // As the service divides its interval into public windows.
    return max(shortest, info.intervalSeconds / max((info.intervalSeconds / shortestStepSeconds).rounded(.down), 1))
  }

  private var wantsParts: Bool {
    let now = ctree_monotonic_seconds()
    return Served.with { $0.wantsParts(now) } ?? false
  }
}
