import Foundation
import NIOCore
import NIOPosix
import PowerProtocol
import Synchronization
import Testing

@testable import Exporter

@Suite("The exporter", .serialized)
struct ServerTests {
  @Test(
    "has these resources",
    arguments: [
      ("/", "text/html; charset=utf-8", "<!DOCTYPE html>"), ("/page.css", "text/css; charset=utf-8", ":root"),
      ("/page.js", "text/javascript; charset=utf-8", "\"use strict\""),
      ("/metrics", MetricsFormat.classic.contentType, "# HELP pkg_watt_stat_up"),
      ("/metrics?x=1", MetricsFormat.classic.contentType, "# HELP pkg_watt_stat_up"),
      ("/info.json", "application/json", "{\"info\": {"), ("/sample.json", "application/json", "{\"sample\": {"),
      ("/history.json", "application/json", "{\"history\": {"),
    ])
  func resources(path: String, type: String, begins: String) throws {
    let exporter = try RunningExporter()
    let response = try exporter.get(path)
    #expect(response.status == 200 && response.headers["content-type"] == type)
    #expect(response.body.hasPrefix(begins), "\(response.body.prefix(40))")
    #expect(response.headers["content-security-policy"]?.hasPrefix("default-src 'none'; script-src 'self'") == true)
    #expect(response.headers["x-content-type-options"] == "nosniff")
  }

  @Test("hands on what the service says, as the protocol says it")
  func answers() throws {
    let exporter = try RunningExporter()
    for (path, answer) in [
      ("/info.json", Answer.info(Examples.info)), ("/sample.json", .sample(Examples.sample)),
      ("/history.json", .history(Examples.history)),
    ] {
      let body = try exporter.get(path).body
      #expect(try JSONDecoder().decode(Answer.self, from: Data(body.utf8)) == answer)
    }
  }

  @Test("the page asks for nothing from elsewhere")
  func page() throws {
    let exporter = try RunningExporter()
    for path in ["/", "/page.css", "/page.js"] {
      let body = try exporter.get(path).body
      #expect(!body.contains("://"))
      #expect(!body.contains("style=") && !body.contains("onload") && !body.contains("<script>"))
    }
  }

  @Test(
    "gives metrics in the format that is asked for",
    arguments: [
      ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", MetricsFormat.openMetrics),
      ("text/plain;version=0.0.4", .classic), ("*/*", .classic),
    ])
  func negotiation(accept: String, format: MetricsFormat) throws {
    let exporter = try RunningExporter()
    let response = try exporter.get("/metrics", "Accept: \(accept)")
    #expect(response.headers["content-type"] == format.contentType && response.headers["vary"] == "Accept")
    #expect(response.body == format.text(Metrics.families(of: Examples.observation, version: "0.1.0")))
  }

  @Test("without the service still gives metrics, and recovers by itself")
  func recovery() throws {
    let exporter = try RunningExporter()
    exporter.service.isThere(false)
    let gone = try exporter.get("/metrics")
    #expect(gone.status == 200 && gone.body.contains("pkg_watt_stat_up 0") && !gone.body.contains("joules"))
    for path in ["/info.json", "/sample.json", "/history.json"] {
      let response = try exporter.get(path)
      #expect(response.status == 503)
      #expect(response.body == #"{"error": {"code": "unavailable", "message": "No service answers."}}"# + "\n")
    }
    exporter.service.isThere(true)
    #expect(try exporter.get("/metrics").body.contains("pkg_watt_stat_up 1"))
  }

  @Test("lets go of the service once nobody asks any more")
  func release() throws {
    let exporter = try RunningExporter { $0.keepSeconds = 0.01 }
    _ = try exporter.get("/metrics")
    #expect(exporter.service.released.wait(timeout: .now() + 20) == .success)
    #expect(try exporter.get("/metrics").body.contains("pkg_watt_stat_up 1"))
    #expect(exporter.service.released.wait(timeout: .now() + 20) == .success)
  }

  @Test("asks the service once for all who ask at the same time")
  func shared() throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let thread = NIOThreadPool(numberOfThreads: 1)
    thread.start()
    defer {
      try? group.syncShutdownGracefully()
      try? thread.syncShutdownGracefully()
    }
    let loop = group.any()
    let times = Mutex(0)
    let inquiry = NIOLoopBoundBox<Inquiry<Int>?>.makeEmptyBox(valueType: Inquiry<Int>.self, eventLoop: loop)
    let ask = { @Sendable in inquiry.value?.answer(on: loop, thread) ?? loop.makeSucceededFuture(0) }
    let both = try loop.flatSubmit {
      inquiry.value = Inquiry {
        times.withLock {
          $0 += 1
          return $0
        }
      }
      return EventLoopFuture.whenAllSucceed([ask(), ask()], on: loop)
    }.wait()
    #expect(both == [1, 1])
    #expect(try loop.flatSubmit { ask() }.wait() == 2)
  }
}

@Suite("HTTP", .serialized)
struct HTTPTests {
  @Test("HEAD is answered like GET, without a body")
  func head() throws {
    let exporter = try RunningExporter()
    let client = try exporter.client()
    client.request("HEAD /metrics")
    let head = try client.response(toHead: true)
    // Had it a body, the next response would begin with that.
    client.request("GET /metrics")
    let get = try client.response()
    #expect(
      head.status == 200 && head.headers == get.headers && head.headers["content-length"] == "\(get.body.utf8.count)")
  }

  @Test(
    "what is not there is 404, what cannot be done 405",
    arguments: [
      ("GET /metric", 404), ("GET /metrics/", 404), ("GET //", 404), ("GET /../etc/passwd", 404), ("POST /x", 404),
      ("GET /Page/page.js", 404), ("POST /metrics", 405), ("DELETE /", 405), ("OPTIONS /", 405), ("PUT /metrics", 405),
      ("TRACE /", 405), ("BREW /", 400),
    ])
  func refusals(line: String, status: Int) throws {
    let exporter = try RunningExporter()
    let client = try exporter.client()
    client.request(line)
    let response = try client.response()
    #expect(response.status == status)
    #expect((response.headers["allow"] == "GET, HEAD") == (status == 405))
  }

  @Test("a connection is kept, and pipelined requests are answered in order")
  func keepAlive() throws {
    let exporter = try RunningExporter()
    let client = try exporter.client()
    client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\nGET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
    #expect(try client.response().status == 200)
    #expect(try client.response().status == 404)
    client.request("GET /", "Connection: close")
    let last = try client.response()
    #expect(last.headers["connection"] == "close" && client.isClosed())
  }

  @Test("an HTTP/1.0 client needs no host, and is closed after its answer")
  func oldVersion() throws {
    let exporter = try RunningExporter()
    let client = try exporter.client()
    client.send("GET /metrics HTTP/1.0\r\n\r\n")
    #expect(try client.response().status == 200)
    #expect(client.isClosed())
  }

  struct Case: CustomTestStringConvertible {
    let testDescription: String
    let bytes: String
    var status = 400

    init(_ name: String, _ bytes: String, _ status: Int = 400) {
      testDescription = name
      self.bytes = bytes
      self.status = status
    }

    static let get = "GET / HTTP/1.1\r\nHost: localhost\r\n"
    static let long = String(repeating: "x", count: 100_000)

    static let all = [
      Case("words", "hello\r\n\r\n"), Case("a header without a colon", get + "no colon\r\n\r\n"),
      Case("binary", "\u{0}\u{1}\u{2}"), Case("another version", "GET / HTTP/3.0\r\n\r\n"),
      Case("a request of the socket's protocol", "{\"get\": \"info\"}\n"),
      Case("a long path", "GET /\(long) HTTP/1.1\r\nHost: localhost\r\n\r\n"),
      Case("a long header", get + "X: \(long)\r\n\r\n"),
      Case("many long headers", get + String(repeating: "X: \(long.prefix(500))\r\n", count: 50) + "\r\n"),
      Case("many headers", get + String(repeating: "X: x\r\n", count: 1000) + "\r\n"),
      Case("two lengths", get + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
      Case("a body", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\nx", 413),
      Case("a body in chunks", get + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", 413),
    ]
  }

  @Test("requests that are malformed, or too much, are refused and the connection closed", arguments: Case.all)
  func malformed(bad: Case) throws {
    let exporter = try RunningExporter()
    let client = try exporter.client()
    client.send(bad.bytes)
    #expect(try client.response().status == bad.status)
    #expect(client.isClosed())
    #expect(try exporter.get("/metrics").status == 200)
  }

  @Test(
    "a host that is not this machine is refused: it may be a page from elsewhere that asks",
    arguments: [
      ("localhost:10611", 200), ("127.0.0.1:10611", 200), ("127.0.0.1", 200), ("[::1]:10611", 200), ("LOCALHOST", 200),
      ("evil.example", 421), ("localhost.evil.example", 421), ("", 421),
    ])
  func hosts(host: String, status: Int) throws {
    let exporter = try RunningExporter()
    let client = try exporter.client()
    client.send("GET /metrics HTTP/1.1\r\nHost: \(host)\r\n\r\n")
    #expect(try client.response().status == status)
  }

  @Test("a request without a host, or with two, is refused", arguments: ["", "Host: localhost\r\nHost: localhost\r\n"])
  func hostCount(headers: String) throws {
    let exporter = try RunningExporter()
    let client = try exporter.client()
    client.send("GET /metrics HTTP/1.1\r\n\(headers)\r\n")
    #expect(try client.response().status == 400)
  }

  @Test("a client that sends nothing, or half a request, is closed", arguments: ["", "GET / HTTP/1.1\r\nHost: loc"])
  func slow(bytes: String) throws {
    let exporter = try RunningExporter { $0.patienceSeconds = 0.2 }
    let client = try exporter.client()
    client.send(bytes)
    #expect(client.isClosed())
  }

  @Test("a client that dribbles is closed all the same")
  func dribble() throws {
    let exporter = try RunningExporter { $0.patienceSeconds = 0.2 }
    let client = try exporter.client()
    client.send("GET / HTTP/1.1\r\nX: ")
    var isClosed = false
    for _ in 0..<2000 where !isClosed {
      client.send("x")
      isClosed = client.isClosed(milliseconds: 10)
    }
    #expect(isClosed)
  }

  @Test("so many connections are served and no more; when one goes there is room again")
  func bound() throws {
    let exporter = try RunningExporter { $0.mostConnections = 3 }
    var held = try (0..<3).map { _ in try exporter.client() }
    for client in held {
      client.request("GET /metrics")
      #expect(try client.response().status == 200)
    }
    #expect(try exporter.client().isClosed())
    held.removeLast()
    // The server learns of it a moment later.
    var served = false
    for _ in 0..<1000 where !served {
      let client = try exporter.client()
      client.request("GET /metrics")
      served = (try? client.response().status) == 200
    }
    #expect(served)
  }
}

@Suite("An address to listen at")
struct ListenAddressTests {
  @Test(
    "is an IP address and a port",
    arguments: [
      ("127.0.0.1:10611", true), ("[::1]:0", true), ("0.0.0.0:65535", false), ("[::]:1", false), ("127.1.2.3:1", true),
    ])
  func good(text: String, isLoopback: Bool) {
    let address = ListenAddress(text)
    #expect(address?.description == text && address?.isLoopback == isLoopback)
  }

  @Test(
    "is nothing else",
    arguments: [
      "", ":", "1", ":10611", "localhost:1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:10611",
      "127.0.0.1:x", "[127.0.0.1:1", "1.2.3:1", "[]:1", "127.0.0.1:+1", "example.org:80",
    ])
  func bad(text: String) {
    #expect(ListenAddress(text) == nil)
  }

  @Test("that cannot be listened at is said, and what to do")
  func inUse() throws {
    let first = try RunningExporter()
    let second = ExporterServer(
      ScriptedService(), at: first.address, settings: ExporterSettings(version: ""))
    let error = #expect(throws: ListenError.self) { try second.start() }
    #expect(error?.description.contains("Another program listens at \(first.address) already") == true)
    try second.stop()
  }
}
