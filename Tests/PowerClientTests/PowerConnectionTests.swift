import Foundation
import PowerProtocol
import Testing

@testable import PowerClient

/// A socket that listens. Clients of the backlog are connected; nobody has to accept them.
final class Listener {
  let path = "/tmp/pkg-watt-stat-client-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
  let descriptor: Int32

  init(backlog: Int32 = 1) {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0 && listen(descriptor, backlog) == 0)
  }

  deinit {
    close(descriptor)
    unlink(path)
  }
}

/// Serves one connection with the given pieces, each sent when the one before it is on its way.
final class OneClientServer {
  private let listener = Listener()
  var path: String { listener.path }

  /// - Parameters:
  ///   - pause: microseconds before each piece.
  ///   - answer: sent like that once a request has come after the pieces.
  init(_ pieces: [String], pause: UInt32 = 0, answer: [String] = []) throws {
    let served = listener.descriptor
    Thread.detachNewThread {
      let client = accept(served, nil, nil)
      func say(_ pieces: [String]) {
        for piece in pieces {
          usleep(pause)
          guard send(client, piece, piece.utf8.count, Int32(MSG_NOSIGNAL)) >= 0 else { return }
        }
      }
      say(pieces)
      var byte: UInt8 = 0
      if !answer.isEmpty, recv(client, &byte, 1, 0) == 1 { say(answer) }
      close(client)
    }
  }
}

let good = #"{"power_watts": 42.5, "timestamp": 7.5, "status": "ok"}"#
let reading = PowerLine(centiwatts: 4250, unixMilliseconds: 7500, status: .ok)

/// All lines until the first error, and that error.
private func receive(from path: String) -> (lines: [PowerLine], error: ClientError?) {
  var lines: [PowerLine] = []
  do throws(ClientError) {
    var connection = try PowerConnection(paths: [path])
    while true { lines.append(try connection.next().line) }
  } catch {
    return (lines, error)
  }
}

@Suite("A connection to the service")
struct PowerConnectionTests {
  @Test(
    "gets whole lines, however they arrive, until the service closes",
    arguments: [
      [good + "\n"], [good + "\n" + good + "\n"], Array(good + "\n").map(String.init),
      [String(good.prefix(20)), String(good.dropFirst(20)) + "\n" + good, "\n"],
    ])
  func lines(pieces: [String]) throws {
    let server = try OneClientServer(pieces)
    let (lines, error) = receive(from: server.path)
    let sent = pieces.joined().filter { $0 == "\n" }.count
    #expect(lines == Array(repeating: reading, count: sent))
    #expect(error == .closed(path: server.path))
  }

  @Test("gives the line as it arrived as well")
  func text() throws {
    let server = try OneClientServer([good + "\n"])
    var connection = try PowerConnection(paths: [server.path])
    #expect(try connection.next().text == good)
  }

  @Test("says that a service which closes without a line has no reading")
  func noReading() throws {
    let server = try OneClientServer([])
    #expect(receive(from: server.path).error == .noReading(path: server.path))
  }

  @Test(
    "takes nothing else for the protocol",
    arguments: ["hello\n", "\n", "{}\n", "\u{1}\u{2}\n", String(repeating: "x", count: 1_100_000)])
  func junk(text: String) throws {
    let server = try OneClientServer([text])
    guard case .notTheProtocol = receive(from: server.path).error else {
      Issue.record("\(text.prefix(20)) was taken")
      return
    }
  }

  @Test("tries one path after the other, and names all where nobody answers")
  func paths() throws {
    let server = try OneClientServer([good + "\n"])
    var connection = try PowerConnection(paths: ["/nonexistent/a.sock", server.path])
    #expect(connection.path == server.path)
    #expect(try connection.next().line == reading)
    #expect(throws: ClientError.noService(paths: ["/nonexistent/a.sock", "/nonexistent/b.sock"])) {
      _ = try PowerConnection(paths: ["/nonexistent/a.sock", "/nonexistent/b.sock"])
    }
    #expect(throws: ClientError.pathTooLong("/" + String(repeating: "x", count: 107))) {
      _ = try PowerConnection(paths: ["/" + String(repeating: "x", count: 107)])
    }
  }

  @Test("what is no socket is said to be none", arguments: ["/etc/passwd", "/tmp", "/dev/null"])
  func notASocket(path: String) throws {
    #expect(throws: ClientError.notASocket(path)) { _ = try PowerConnection(paths: [path]) }
  }

  @Test("takes a service that goes on with its lines and answers nothing for one of version 1")
  func original() throws {
    let server = try OneClientServer([String](repeating: good + "\n", count: 100), pause: 20_000)
    var connection = try PowerConnection(paths: [server.path], patienceMilliseconds: 200)
    do {
      _ = try connection.info()
      Issue.record("it answered")
    } catch {
      #expect("\(error)".contains("older than this program"), "\(error)")
    }
  }

  @Test("does not wait on once it is interrupted")
  func interrupted() throws {
    let server = try OneClientServer([])
    // Readable at once, as the interrupt descriptor is after Ctrl-C.
    let interrupt = open("/dev/zero", O_RDONLY)
    defer { close(interrupt) }
    #expect(throws: ClientError.interrupted) { _ = try PowerConnection(paths: [server.path], interrupt: interrupt) }
    // Not readable yet when it connects.
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { ends.forEach { close($0) } }
    let slow = try OneClientServer([good + "\n"], pause: 5_000_000)
    var connection = try PowerConnection(paths: [slow.path], interrupt: ends[0])
    #expect(write(ends[1], "x", 1) == 1)
    do {
      _ = try connection.next()
      Issue.record("it went on")
    } catch {
      #expect(error == .interrupted)
    }
  }

  @Test(
    "errors say what to do",
    arguments: [
      (
        ClientError.noService(paths: ["/a", "/b"]),
        "No service answers at /a or /b; start it with: "
      ),
      (.cannotConnect(path: "/a", errno: EACCES), "private"), (.cannotConnect(path: "/a", errno: EIO), "Check that"),
      (.noReading(path: "/a"), "journalctl"), (.closed(path: "/a b"), "does not come back, start it: "),
      (.closed(path: "/a b"), "--socket '/a b'"),
      (.closed(path: "/run/pkg-watt-stat/pkg-watt-stat.sock"), "systemctl start pkg-watt-stat.service"),
      (.silent(path: "/a", seconds: 5), "for 5 s"), (.failed(path: "/a", errno: EIO), "Input/output error"),
    ])
  func sentences(error: ClientError, says: String) {
    #expect("\(error)".contains(says))
  }
}
