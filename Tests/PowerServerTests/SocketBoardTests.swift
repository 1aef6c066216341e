import Foundation
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import PowerServer

@Suite("The sockets of a server")
struct SocketBoardTests {
  /// Fails as often as it is told, and then accepts nobody but says that it listens.
  private final class Listening {
    var failures = 0
    var attempts = 0
    private let loop: any EventLoop

    init(on loop: any EventLoop) { self.loop = loop }

    func begin(_ file: SocketFile) -> EventLoopFuture<any Channel> {
      attempts += 1
      failures -= 1
      if failures >= 0 { return loop.makeFailedFuture(ChannelError.operationUnsupported) }
      return ServerBootstrap(group: loop).withBoundSocket(file.descriptor)
    }
  }

  @Test("a file that nobody accepts at is taken away, and tried again", arguments: [false, true])
  func failure(isWanted: Bool) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.any()
    let path = "/tmp/pkg-watt-stat-board-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    let exists = { @Sendable in FileManager.default.fileExists(atPath: path) }
    var settings = ServerSettings(intervalSeconds: 1)
    settings.socketCheckSeconds = 0
    settings.socketRetrySeconds = 0.02
    if isWanted { settings.wantedSockets = [(path, 0o666)] }
    let box = NIOLoopBoundBox<(SocketBoard, Listening)?>.makeEmptyBox(
      valueType: (SocketBoard, Listening).self, eventLoop: loop)
    let set = settings
    try await loop.flatSubmit {
      let listening = Listening(on: loop)
      let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      let board = SocketBoard(set, on: loop, logger: logger) { listening.begin($0) }
      box.value = (board, listening)
      if isWanted {
        listening.failures = 2
        board.planRetry()
        return loop.makeSucceededVoidFuture()
      }
      do {
        let file = try SocketFile.bind(path, mode: 0o666, owner: nil)
        return board.serve(file).assumeIsolated().map {
          listening.failures = 2
          unlink(path)
          board.checkFiles()
        }.nonisolated()
      } catch {
        return loop.makeFailedFuture(error)
      }
    }.get()
    let attempts = isWanted ? 3 : 4
    let end = Date.now.addingTimeInterval(10)
    while true {
      // Both in one turn of the loop, so that no try comes in between.
      let (tried, isThere) = try await loop.submit { (box.value?.1.attempts ?? 0, exists()) }.get()
      if tried >= attempts { break }
      try #require(Date.now < end, "it is not tried again")
      #expect(!isThere, "between two tries there is a file that nobody answers at")
      try await Task.sleep(for: .milliseconds(5))
    }
    #expect(exists())
    try await loop.submit {
      box.value?.0.close()
      box.value = nil
    }.get()
    #expect(!exists())
    try await group.shutdownGracefully()
  }

  @Test("pauses of any length are borne", arguments: [.infinity, -.infinity, .nan, 1e300] as [Double])
  func pauses(seconds: Double) throws {
    let server = try RunningServer {
      $0.wantedSockets = [("/nonexistent/s", 0o666)]
      $0.socketRetrySeconds = seconds
      $0.socketCheckSeconds = seconds
    }
    _ = try TestClient(server.path).line()
  }
}
