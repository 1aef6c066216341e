import PowerProtocol
import Testing

@testable import Terminal

@Suite("The requests of the live view")
struct WatchRequestsTests {
  private static let busy = Answer.refused(Refusal(code: "busy", message: ""))
  private static let subscribed = Answer.subscribed(Subscription(intervalSeconds: 1))

  @Test("are the description, a sample, a day and a quarter of an hour of history, and a subscription")
  func first() {
    #expect(
      WatchRequests(intervalSeconds: 0.5).first == [
        .info, .sample(), .history(seconds: 86_400), .history(seconds: 900), .subscribe(intervalSeconds: 0.5),
      ])
  }

  @Test("are asked again after the next sample if the service was busy, and only once each")
  func busy() throws {
    var requests = WatchRequests(intervalSeconds: nil)
    #expect(try requests.take(Samples.info()) == [])
    #expect(try requests.take(.sample(Samples.small())) == [])
    #expect(try requests.take(Self.busy) == [] && requests.take(Samples.history([1])) == [])
    #expect(try requests.take(Self.subscribed) == [])
    #expect(try requests.take(.sample(Samples.small())) == [.history(seconds: 86_400)])
    #expect(try requests.take(.sample(Samples.small())) == [])
    // Busy still.
    #expect(try requests.take(Self.busy) == [])
    #expect(try requests.take(.sample(Samples.small())) == [.history(seconds: 86_400)])
    #expect(try requests.take(Samples.history([1])) == [] && requests.take(.sample(Samples.small())) == [])
  }

  @Test("ask a service that tells limits for them after a sample, once a second, until it has none")
  func limits() throws {
    var requests = WatchRequests(intervalSeconds: 0.25)
    _ = try requests.take(Samples.info(tellsLimits: true))
    func sample(_ seconds: Double) throws -> [Request] {
      try requests.take(.sample(Samples.small(at: Samples.start + seconds)))
    }
    let limits = LimitsReport(unixSeconds: 1, monotonicSeconds: 1, source: "msr", packages: [])
    #expect(try sample(0) == [.limits] && sample(0.25) == [])
    _ = try requests.take(Samples.history([1]))
    _ = try requests.take(Samples.history([1]))
    _ = try requests.take(Self.subscribed)
    // Not before the answer to the one before has come.
    #expect(try sample(2) == [] && requests.take(.limits(limits)) == [] && sample(3) == [.limits])
    #expect(try requests.take(Self.busy) == [] && sample(3.25) == [.limits])
    let none = LimitsReport(unixSeconds: 1, monotonicSeconds: 1, source: nil, reason: "Why.", packages: [])
    #expect(try requests.take(.limits(none)) == [] && sample(9) == [])
  }

  @Test("lines and samples between the answers are none of them")
  func between() throws {
    var requests = WatchRequests(intervalSeconds: nil)
    let line = Answer.line(PowerLine(centiwatts: 1, unixMilliseconds: 1, status: .ok))
    #expect(try requests.take(line) == [] && requests.take(Samples.info()) == [] && requests.take(line) == [])
    #expect(try requests.take(Self.busy) == [], "of the sample")
    #expect(try requests.take(.sample(Samples.small())) == [.sample()])
  }

  @Test("a service without a reading, or of version 1, is watched still; any other refusal ends it")
  func refusals() throws {
    for code in ["unknown_request", "no_reading"] {
      var requests = WatchRequests(intervalSeconds: nil)
      for _ in 0..<5 { #expect(try requests.take(.refused(Refusal(code: code, message: ""))) == []) }
    }
    let refusal = Refusal(code: "not_allowed", message: "No.")
    #expect(throws: refusal) {
      var requests = WatchRequests(intervalSeconds: 0.01)
      _ = try requests.take(.refused(refusal))
    }
    // One that belongs to no request: it may be of a newer service.
    var requests = WatchRequests(intervalSeconds: nil)
    for _ in 0..<5 { _ = try requests.take(.refused(Refusal(code: "no_reading", message: ""))) }
    #expect(try requests.take(.refused(refusal)) == [])
  }
}

@Suite("The pace of the screen")
struct FramePacerTests {
  @Test("is one frame for all changes within 40 ms, and none without a change")
  func frames() {
    var pacer = FramePacer()
    #expect(pacer.isDue(at: 1000) && pacer.patience(at: 1000) == 1)
    pacer.draw(at: 1000)
    #expect(!pacer.isDue(at: 1039) && !pacer.isDue(at: 5000) && pacer.patience(at: 1000) == 1000)
    pacer.change()
    pacer.change()
    #expect(!pacer.isDue(at: 1010) && pacer.patience(at: 1010) == 30)
    #expect(!pacer.isDue(at: 1039) && pacer.patience(at: 1039) == 1)
    #expect(pacer.isDue(at: 1040))
    pacer.draw(at: 1040)
    #expect(!pacer.isDue(at: 1080))
  }

  @Test("is none for a key, whose effect is seen at once")
  func keys() {
    var pacer = FramePacer()
    pacer.draw(at: 1000)
    pacer.hurry()
    #expect(pacer.isDue(at: 1000))
  }
}

@Suite("A line for people")
struct PlainTextTests {
  @Test(
    "has the watts, and what one must know of them",
    arguments: [
      (PowerLine.Status.ok, "42.50 W"), (.simulated, "42.50 W (simulated)"), (.stale, "42.50 W (stale, 3 s old)"),
    ])
  func text(status: PowerLine.Status, text: String) {
    let line = PowerLine(centiwatts: 4250, unixMilliseconds: 10_000, status: status)
    #expect(PlainLines.text(line, unixMilliseconds: 13_100) == text)
    // The wall clock was set back.
    #expect(!PlainLines.text(line, unixMilliseconds: 5_000).contains("-"))
  }
}
