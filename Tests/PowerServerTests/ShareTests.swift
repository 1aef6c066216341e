import Formatting
import Foundation
import Logging
import NIOCore
import NIOPosix
import PowerProtocol
import Synchronization
import Testing

@testable import PowerServer

@Suite("A user's share", .serialized)
struct ShareTests {
  @Test("a user has so many connections, and one more once one of them has gone")
  func connections() throws {
    // Root has more, so somebody else is limited if there is root.
    let server = try RunningServer { $0.connectionsOfUser = 5 }
    var clients = try (0..<5).map { _ in try TestClient(server.path, as: .nobody) }
    for client in clients { _ = try client.line() }
    #expect(try TestClient(server.path, as: .nobody).text() == nil, "the sixth is served")
    if Peer.canChange { _ = try TestClient(server.path, as: .itself).line() }
    for client in clients { _ = try client.line() }
    clients.removeLast()
    let end = Date.now.addingTimeInterval(10)
    while true {
      try #require(Date.now < end, "no other may come")
      if try TestClient(server.path, as: .nobody).text() != nil { break }
    }
  }

  @Test("root may have 20,000 connections at least", .enabled(if: Peer.canChange, "needs root"))
  func root() throws {
    let server = try RunningServer { $0.connectionsOfUser = 1 }
    let clients = try (0..<10).map { _ in try TestClient(server.path) }
    for client in clients { _ = try client.line() }
  }

  @Test("follows from the limit on open files where that is low", arguments: [(65_536, 4096), (1024, 768), (1, 1)])
  func descriptors(limit: Int64, most: Int) {
    #expect(ServerSettings.connectionsOfUser(descriptorLimit: limit) == most)
  }

  @Test("a user may have 256 subscriptions faster than the lines; one more gets the lines' interval")
  func subscriptions() throws {
    let server = try RunningServer(interval: 1)
    var clients = try (0..<256).map { _ in try TestClient(server.path, as: .nobody) }
    // Without root, whoever runs the tests is nobody special too.
    func interval(of client: TestClient) throws -> Double? {
      client.write(Request.subscribe(intervalSeconds: 0.25).json.text + "\n")
      while true {
        switch try client.answer() {
        // Of the subscription before.
        case .sample: continue
        case .subscribed(let subscription): return subscription.intervalSeconds
        default: return nil
        }
      }
    }
    for client in clients { #expect(try interval(of: client) == 0.25) }
    let another = try TestClient(server.path, as: .nobody)
    #expect(try interval(of: another) == 1)
    // Again is no more.
    #expect(try interval(of: clients[0]) == 0.25)
    _ = try clients[0].ask(.unsubscribe)
    clients.removeLast()
    #expect(try interval(of: another) == 0.25)
  }

  @Test("what is asked beyond it waits, and nothing of it is lost")
  func waiting() throws {
    let server = try RunningServer(interval: 0.5)
    let greedy = try (0..<5).map { _ in try TestClient(server.path, as: .nobody) }
    // More than the saved-up time is enough for: a name that is as long to read as any.
    let costly = #"{"get": ""# + String(repeating: #"\u00e9"#, count: 600) + #""}"# + "\n"
    let rounds = 20
    let descriptors = greedy.map(\.descriptor)
    Thread.detachNewThread {
      let text = costly + #"{"get": "info"}"# + "\n"
      for descriptor in descriptors {
        for _ in 0..<rounds { _ = send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL)) }
      }
    }
    var answers = [0, 0]
    while answers[1] < rounds * greedy.count {
      for client in greedy {
        while answers[1] < rounds * greedy.count, let answer = try client.arrived() {
          switch answer {
          case .refused: answers[0] += 1
          case .info: answers[1] += 1
          default: break
          }
        }
      }
      // Somebody else is answered meanwhile.
      if Peer.canChange { _ = try TestClient(server.path).ask(.info) }
    }
    #expect(answers == [rounds * greedy.count, rounds * greedy.count])
  }

  @Test("what a user asks gets its share of the server's time, however much that is")
  func time() throws {
    let server = try RunningServer()
    let greedy = try (0..<5).map { _ in try TestClient(server.path, as: .nobody) }
    let text = String(repeating: #"{"get": "info"}"# + "\n", count: 100)
    var answers = [UInt8](repeating: 0, count: 65_536)
    func flood(seconds: Double) {
      let end = Date.now.addingTimeInterval(seconds)
      while Date.now < end {
        for client in greedy {
          _ = send(client.descriptor, text, text.utf8.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
          while recv(client.descriptor, &answers, answers.count, Int32(MSG_DONTWAIT)) > 0 {}
        }
        usleep(1000)
      }
    }
    // What is saved up goes first.
    flood(seconds: 1)
    let before = server.control.cost.withLock { $0 }
    flood(seconds: 2)
    let after = server.control.cost.withLock { $0 }
    let share = Double(after.thread - before.thread) / Double(after.time - before.time)
    // A fortieth, and what is not counted; without a bound it would be nearly all.
    #expect(share < 0.25, "\(share)")
  }

  @Test("a new connection that lacks only its turn does not wait for the time that requests lack")
  func unserved() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.any()
    let begun = loop.makePromise(of: Bool.self)
    let share = NIOLoopBoundBox<UserShare?>.makeEmptyBox(valueType: UserShare.self, eventLoop: loop)
    try await loop.submit {
      let settings = ServerSettings(intervalSeconds: 1)
      let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      let broadcaster = Broadcaster(settings: settings, access: AccessPolicy(settings), logger: logger) { _ in }
      let feed = Relay(settings: settings, broadcaster: broadcaster, eventLoop: loop, logger: logger)
      let desk = RequestDesk(
        settings: settings, begun: nil, isSimulated: true, broadcaster: broadcaster, feed: feed,
        limits: LimitsDesk(nil, of: settings, grid: nil, eventLoop: loop))
      let made = UserShare(user: 1, mostConnections: 100, on: loop) { _, share in begun.succeed(share.hasTime) }
      share.value = made
      // Requests lack seconds by it, turns some tenths of one.
      made.countAnswer(bytes: 25_000 * ClientHandler.mostWholeBytes)
      made.wait(ClientHandler(desk: desk, share: made))
      #expect(made.take(-1))
    }.get()
    #expect(try await !begun.futureResult.get(), "it began when there was time for requests too")
    try await loop.submit { share.value = nil }.get()
    try await group.shutdownGracefully()
  }

  @Test("one who comes again and again waits for a share of the time that it takes, and is served in the end")
  func arrivals() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.any()
    let again = loop.makePromise(of: Void.self)
    let share = NIOLoopBoundBox<UserShare?>.makeEmptyBox(valueType: UserShare.self, eventLoop: loop)
    let waits = try await loop.submit {
      var isFirst = true
      let made = UserShare(user: 1, mostConnections: 1, on: loop) { _, _ in
        guard isFirst else { return again.succeed() }
        isFirst = false
        // A tenth of a second of work, after which a quarter of one is lacking.
        var used = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used)
        let end = Double(used.tv_sec) + Double(used.tv_nsec) / 1e9 + 0.1
        while Double(used.tv_sec) + Double(used.tv_nsec) / 1e9 < end { clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) }
      }
      share.value = made
      let isTaken = made.take(-1)
      made.leave()
      return isTaken && made.take(-1) && made.isCrowded
    }.get()
    #expect(waits, "the second began at once")
    try await again.futureResult.get()
    try await loop.submit { share.value = nil }.get()
    try await group.shutdownGracefully()
  }

  @Test("a history is answered whole, whatever its user asked before")
  func history() throws {
    let server = try RunningServer(interval: 0.02)
    let client = try TestClient(server.path, as: .nobody)
    for _ in 0..<20 { _ = try client.line() }
    for _ in 0..<200 {
      guard case .history(let history) = try client.ask(.history(seconds: 86_400)) else {
        throw TestFailure(description: "no history")
      }
      // One row for each minute that has begun.
      #expect((1...2).contains(history.rows.count))
    }
  }

  @Test("a path that is not free is served once it is")
  func wanted() throws {
    let path = "/tmp/pkg-watt-stat-wanted-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    try Data("precious".utf8).write(to: URL(filePath: path))
    defer { unlink(path) }
    let server = try RunningServer {
      $0.wantedSockets = [(path, 0o666)]
      $0.socketRetrySeconds = 0.05
    }
    let client = try TestClient(server.path)
    for _ in 0..<5 { _ = try client.line() }
    #expect(try String(contentsOf: URL(filePath: path), encoding: .utf8) == "precious")
    unlink(path)
    let end = Date.now.addingTimeInterval(10)
    while true {
      try #require(Date.now < end, "it does not come")
      if let other = try? TestClient(path) {
        _ = try other.line()
        break
      }
    }
    server.stop()
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test("a file that was replaced is left alone, and the socket is there again once it has gone")
  func replaced() throws {
    let server = try RunningServer {
      $0.socketRetrySeconds = 0.05
      $0.socketCheckSeconds = 0
    }
    let client = try TestClient(server.path)
    unlink(server.path)
    try Data("precious".utf8).write(to: URL(filePath: server.path))
    for _ in 0..<5 { _ = try client.line() }
    #expect(try String(contentsOf: URL(filePath: server.path), encoding: .utf8) == "precious")
    unlink(server.path)
    let end = Date.now.addingTimeInterval(10)
    while (try? TestClient(server.path).line()) == nil { try #require(Date.now < end, "it is not put back") }
    // Those who came before are served on.
    _ = try client.line()
  }
}
