import Exporter
import Foundation
import Testing

@Suite("HTTP", .serialized)
struct HTTPTests {
  @Test("HEAD is answered like GET, without a body")
  func head() throws {
    let exporter = try RunningExporter()
    let client = try exporter.client()
    client.request("HEAD /metrics")
    var head = try client.response(toHead: true)
    // Had it a body, the next response would begin with that.
    client.request("GET /metrics")
    var get = try client.response()
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    format.timeZone = .gmt
    for date in [head.headers.removeValue(forKey: "date"), get.headers.removeValue(forKey: "date")] {
      let written = try #require(date.flatMap(format.date), "\(date ?? "none")")
      #expect(abs(written.timeIntervalSinceNow) < 20)
    }
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

  @Test("a client that goes before its answer is there disturbs nobody", arguments: ["", "Connection: close"])
  func gone(header: String) throws {
    let exporter = try RunningExporter { $0.mostConnections = 2 }
    let gate = DispatchSemaphore(value: 0)
    exporter.service.wait(for: gate)
    let patient = try exporter.client()
    patient.request("GET /metrics")
    do {
      let hasty = try exporter.client()
      hasty.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\(header.isEmpty ? "" : header + "\r\n")\r\n")
    }
    exporter.service.wait(for: nil)
    gate.signal()
    #expect(try patient.response().status == 200)
    patient.request("GET /metrics")
    #expect(try patient.response().status == 200)
  }

  @Test("beyond so many connections, a new one takes the place of the one that has been idle longest")
  func bound() throws {
    let exporter = try RunningExporter { $0.mostConnections = 3 }
    let held = try (0..<3).map { _ in try exporter.client() }
    // In another order than they came in.
    for index in [1, 2, 0] {
      held[index].request("GET /metrics")
      #expect(try held[index].response().status == 200)
    }
    let newcomer = try exporter.client()
    newcomer.request("GET /metrics")
    #expect(try newcomer.response().status == 200)
    #expect(held[1].isClosed())
    for client in [held[2], held[0]] {
      client.request("GET /metrics")
      #expect(try client.response().status == 200)
    }
  }

  @Test("any number of idle connections, or of halves of requests, shut nobody out", arguments: ["", "GET / HT"])
  func idleCrowd(bytes: String) throws {
    let exporter = try RunningExporter()
    let crowd = try (0..<200).map { _ in
      let client = try exporter.client()
      client.send(bytes)
      return client
    }
    #expect(try exporter.get("/metrics").status == 200)
    // And they are no more than there may be.
    #expect(crowd[0].isClosed() && !crowd[199].isClosed(milliseconds: 0))
  }

  @Test("a client that waits for its answer is not given up for a new one; one that does not read its answer is")
  func waiting() throws {
    let exporter = try RunningExporter { $0.mostConnections = 2 }
    let gate = DispatchSemaphore(value: 0)
    exporter.service.wait(for: gate)
    let patient = try exporter.client()
    patient.request("GET /metrics")
    let greedy = try exporter.client()
    // More than the buffers of both sides hold.
    for _ in 0..<20_000 { greedy.request("GET /page.js") }
    // Once it is given up, or else never.
    let newcomer = try exporter.client()
    newcomer.request("GET /page.css")
    #expect(try newcomer.response().status == 200)
    gate.signal()
    #expect(try patient.response().status == 200)
    exporter.service.wait(for: nil)
  }

  @Test("a client that has sent all and closes that direction is answered, and then closed", arguments: [1, 3])
  func halfClosed(count: Int) throws {
    let exporter = try RunningExporter()
    let client = try exporter.client()
    for _ in 0..<count { client.request("GET /metrics") }
    client.closeSending()
    for _ in 0..<count { #expect(try client.response().status == 200) }
    #expect(client.isClosed())
  }

  @Test("one that does so while the service is asked is answered too")
  func halfClosedWhileAsked() throws {
    let exporter = try RunningExporter()
    let gate = DispatchSemaphore(value: 0)
    exporter.service.wait(for: gate)
    let client = try exporter.client()
    client.request("GET /metrics")
    client.closeSending()
    #expect(!client.isClosed(milliseconds: 200))
    gate.signal()
    #expect(try client.response().body.contains("pkg_watt_stat_up 1"))
    #expect(client.isClosed())
  }

  @Test(
    "one that does so in the middle of a request is told", arguments: [("", 0), ("GET / HTTP/1.1\r\nHost: loc", 400)])
  func halfRequest(bytes: String, status: Int) throws {
    let exporter = try RunningExporter()
    let client = try exporter.client()
    client.send(bytes)
    client.closeSending()
    if status != 0 { #expect(try client.response().status == status) }
    #expect(client.isClosed())
  }

  @Test(
    "what is asked for may stand behind the host, and be percent-encoded",
    arguments: [
      ("http://localhost:10611/metrics", 200), ("HTTP://127.0.0.1/metrics?x=1", 200), ("https://[::1]:1/metrics", 200),
      ("http://localhost", 200), ("http://localhost?x", 200), ("/%6detrics", 200), ("/%6D%65trics?%", 400),
      ("http://evil.example/metrics", 421), ("http:///metrics", 400), ("http://me@localhost/metrics", 400),
      ("ftp://localhost/metrics", 400), ("/%zz", 400), ("/%ff", 400), ("/%", 400), ("/metrics%00", 404), ("*", 404),
      ("http://localhost/nothing", 404),
    ])
  func targets(target: String, status: Int) throws {
    let exporter = try RunningExporter()
    let client = try exporter.client()
    client.request("GET \(target)")
    #expect(try client.response().status == status)
  }

  @Test("the host in front of what is asked for counts, whatever the header says")
  func authority() throws {
    let exporter = try RunningExporter()
    for (authority, header, status) in [("localhost", "evil.example", 200), ("evil.example", "localhost", 421)] {
      let client = try exporter.client()
      client.send("GET http://\(authority)/metrics HTTP/1.1\r\nHost: \(header)\r\n\r\n")
      #expect(try client.response().status == status)
    }
  }

  @Test("every answer has a date, also to what is not a request")
  func dates() throws {
    let exporter = try RunningExporter()
    for bytes in ["hello\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n"] {
      let client = try exporter.client()
      client.send(bytes)
      let response = try client.response()
      #expect(response.status >= 400 && response.headers["date"]?.hasSuffix(" GMT") == true, "\(response)")
      #expect(!response.body.isEmpty)
    }
  }

  @Test("what is not a request, behind one that is, is refused after the first's answer")
  func pipelinedJunk() throws {
    let exporter = try RunningExporter()
    let gate = DispatchSemaphore(value: 0)
    exporter.service.wait(for: gate)
    let client = try exporter.client()
    client.request("GET /metrics")
    client.send("junk\r\n\r\n")
    gate.signal()
    #expect(try client.response().status == 200)
    #expect(try client.response().status == 400)
    #expect(client.isClosed())
  }

  @Test("an HTTP/1.0 client that asks to be kept is told that it is")
  func oldKeepAlive() throws {
    let exporter = try RunningExporter()
    let client = try exporter.client()
    for _ in 0..<2 {
      client.send("GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      let response = try client.response()
      #expect(response.status == 200 && response.headers["connection"] == "keep-alive")
    }
  }

  @Test("a request for another protocol is answered by this one, and the connection closed")
  func upgrade() throws {
    let exporter = try RunningExporter()
    let client = try exporter.client()
    client.request(
      "GET /metrics", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
    let response = try client.response()
    #expect(response.status == 200 && response.headers["connection"] == "close")
    #expect(client.isClosed())
  }

  @Test("an answer that ends a connection arrives whole, though the client goes on sending")
  func farewell() throws {
    let exporter = try RunningExporter()
    let client = try exporter.client()
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
    for _ in 0..<10 { client.send(String(repeating: "x", count: 100_000)) }
    #expect(try client.response().status == 413)
    #expect(client.isClosed())
  }
}
