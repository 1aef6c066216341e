import Formatting
import Foundation
import PowerProtocol
import PowerServer
import Synchronization
import TestSupport
import Testing

/// Moments at which an attacker knows how much energy had been drawn: the ends of all windows that it was told of.
private struct Moments {
  /// Times on the wire are whole milliseconds, up to four of them make a moment, and two clocks are read one after the other.
  static let grain = 0.006
  /// A public reading comes at a point of the grid of 250 ms, 10 ms late at most, or takes the next point's place.
  static let shortest = 0.237
  private var seconds: [Double] = []
  /// When the limits were read that it was told: they are read beside the energy, and are as slow.
  private var limitSeconds: [Double] = []

  mutating func add(_ answer: Answer) {
    switch answer {
    case .line(let line): seconds.append(Double(line.unixMilliseconds) / 1000)
    case .sample(let sample): seconds += [sample.unixSeconds, sample.unixSeconds - sample.windowSeconds]
    case .history(let history):
      for row in history.rows { seconds += [row.unixSeconds, row.unixSeconds - row.seconds] }
    case .limits(let limits): limitSeconds.append(limits.monotonicSeconds)
    case .info, .subscribed, .refused: break
    }
  }

  /// The shortest time between two different ones.
  var finest: Double {
    [seconds, limitSeconds].map { moments in
      let sorted = moments.sorted()
      return zip(sorted, sorted.dropFirst()).map { $1 - $0 }.filter { $0 > Self.grain }.min() ?? .infinity
    }.min() ?? .infinity
  }

  var count: Int { seconds.count }

  /// How often the limits were read.
  var limitReadings: Int { Set(limitSeconds).count }
}

@Suite("An attacker", .namesTrials, .serialized, .enabled(if: Peer.canChange, "only root can connect as somebody else"))
struct AttackerTests {
  private func drain(_ clients: [TestClient], into moments: inout Moments, seconds: Double) throws {
    let end = Date.now.addingTimeInterval(seconds)
    while Date.now < end {
      for client in clients {
        while let answer = try client.arrived() { moments.add(answer) }
      }
      usleep(2000)
    }
  }

  /// What it does, to a server of its own each.
  private enum Way: Sendable {
    /// With many connections, every interval that it is granted, history, and lines.
    case connections(interval: Double)
    /// Wakes the service up at moments of its choice.
    case waking
    /// Comes and goes at moments of its choice, alone or beside another: these of sixty rounds.
    case polling(Range<Int>)
  }

  @Test("learns of nothing under 240 ms, whatever it asks for, and whenever it comes and goes")
  func attacks() async {
    let ways: [Way] = [
      .connections(interval: 0.5), .connections(interval: 0.7), .waking, .polling(0..<24), .polling(24..<60),
    ]
    await atOnce(ways) { way in
      switch way {
      case .connections(let interval): try connections(interval: interval)
      case .waking: try waking()
      case .polling(let rounds): try polling(rounds)
      }
    }
  }

  private func connections(interval: Double) throws {
    let server = try RunningServer(interval: interval, trustedGroup: ("power", 54_321))
    var moments = Moments()
    var clients = [try TestClient(server.path, as: .nobody)]
    for step in 1...12 {
      usleep(UInt32(step * 7919) % 50_000)
      let client = try TestClient(server.path, as: .nobody)
      client.write(Request.subscribe(intervalSeconds: Double(step) * 0.25 + 0.11).json.text + "\n")
      client.write(Request.subscribe(intervalSeconds: Double(step) * 0.25).json.text + "\n")
      clients.append(client)
    }
    let asker = try TestClient(server.path, as: .nobody)
    // Somebody trusted, whose readings nobody else may profit from.
    let trusted = try TestClient(server.path, as: .itself)
    trusted.write(Request.subscribe(intervalSeconds: 0.01).json.text + "\n")
    var allowed = Moments()
    for _ in 0..<80 {
      asker.write(Request.sample().json.text + "\n" + Request.history(seconds: 900).json.text + "\n")
      for client in clients + [asker] { client.write(Request.limits.json.text + "\n") }
      try drain(clients + [asker], into: &moments, seconds: 0.05)
      while let answer = try trusted.arrived() { allowed.add(answer) }
    }
    // What is looked for can be seen: the trusted have it.
    // A sanitizer makes answers slow, and a user's share of time then has fewer.
    #expect(
      allowed.finest < 0.05 && moments.count > (isSanitized ? 100 : 500), "\(allowed.finest) s, \(moments.count)")
    #expect(moments.finest >= Moments.shortest, "\(moments.finest) s")
    let limitReads = server.control.limitReads.withLock { $0.count }
    #expect(moments.limitReadings >= 2 && limitReads <= moments.limitReadings + 1, "\(limitReads) reads")
  }

  private func waking() throws {
    let server = try RunningServer(interval: 0.5, longestSleep: 0.6)
    var moments = Moments()
    for round in 0..<6 {
      let end = Date.now.addingTimeInterval(10)
      while !server.control.isAsleep {
        try #require(Date.now < end, "it does not fall asleep")
        usleep(5000)
      }
      // Close behind a reading of its own, and between two.
      let pulses = server.control.pulses.withLock { $0 }
      while server.control.pulses.withLock({ $0 }) == pulses { usleep(1000) }
      usleep(UInt32(round * 101_000) % 550_000)
      let clients = try (0..<3).map { _ in
        usleep(21_000)
        return try TestClient(server.path, as: .nobody)
      }
      for client in clients {
        client.write(Request.sample().json.text + "\n" + Request.history(seconds: 900).json.text + "\n")
        client.write(Request.limits.json.text + "\n")
      }
      try drain(clients, into: &moments, seconds: 0.9)
    }
    #expect(moments.count > 100)
    #expect(moments.finest >= Moments.shortest, "\(moments.finest) s")
  }

  private func polling(_ rounds: Range<Int>) throws {
    let server = try RunningServer(interval: 0.5, longestSleep: 0.7, longestWakingWindow: 1)
    var moments = Moments()
    for round in rounds {
      // From at once to longer than a client that wakes the service may look back.
      usleep(round % 12 == 11 ? 1_100_000 : UInt32(round * 37_000) % 400_000)
      var clients = [try TestClient(server.path, as: .nobody)]
      if round % 3 == 0 { clients.append(try TestClient(server.path, as: .nobody)) }
      for client in clients where round % 2 == 0 {
        client.write(Request.sample().json.text + "\n" + Request.history(seconds: 900).json.text + "\n")
        client.write(Request.limits.json.text + "\n")
      }
      try drain(clients, into: &moments, seconds: Double(round % 5) * 0.06)
    }
    #expect(moments.count > 40)
    #expect(moments.finest >= Moments.shortest, "\(moments.finest) s")
  }
}
