import Foundation
import PowerProtocol
import PowerServer
import Testing

@Suite("The server", .serialized)
struct PowerServerTests {
  @Test("sends a line on connecting, then one for each sample, the watts of the source")
  func lines() throws {
    let server = try RunningServer()
    let client = try TestClient(server.path)
    var last: Int64 = 0
    for _ in 0..<10 {
      let line = try client.line()
      #expect(abs(line.watts - ScriptedSource.watts) < 0.1 && line.status == .ok)
      #expect(line.unixMilliseconds > last)
      last = line.unixMilliseconds
    }
  }

  @Test("marks simulated watts")
  func simulated() throws {
    let server = try RunningServer(isSimulated: true)
    #expect(try TestClient(server.path).line().status == .simulated)
  }

  @Test("is silent for half a second after a connection's first line")
  func silence() throws {
    let server = try RunningServer(interval: 0.5)
    // A late reader sees lines closer together than they were sent, so the clock starts before the first one is.
    let start = DispatchTime.now().uptimeNanoseconds
    let client = try TestClient(server.path)
    _ = try client.line()
    _ = try client.line()
    #expect(DispatchTime.now().uptimeNanoseconds - start >= 500_000_000)
  }

  @Test("without a fresh sample the last one is sent as stale, to those who connect as well, until there is one again")
  func stale() throws {
    let server = try RunningServer()
    let client = try TestClient(server.path)
    let good = try client.line()
    #expect(good.status == .ok)
    server.control.become(.failing)
    var line = try client.line()
    while line.status == .ok { line = try client.line() }
    #expect(line.status == .stale && line.centiwatts > 0)
    let later = try client.line()
    #expect(later == line)
    #expect(try TestClient(server.path).line() == line)
    server.control.become(.good)
    while line.status == .stale { line = try client.line() }
    #expect(abs(line.watts - ScriptedSource.watts) < 0.1)
  }

  @Test("a counter that stops is stale, not 0 W")
  func stopped() throws {
    let server = try RunningServer()
    let client = try TestClient(server.path)
    _ = try client.line()
    server.control.become(.idle)
    var line = try client.line()
    while line.status == .ok { line = try client.line() }
    #expect(line.status == .stale && line.watts > 40)
  }

  @Test("closes a connection that it never had a good reading for, without a byte")
  func neverGood() throws {
    let server = try RunningServer(behaviour: .failing)
    let client = try TestClient(server.path)
    let start = DispatchTime.now().uptimeNanoseconds
    #expect(try client.text() == nil)
    #expect(DispatchTime.now().uptimeNanoseconds - start > 1_400_000_000)
  }

  @Test("a first reading that comes late still reaches those who wait")
  func late() throws {
    let server = try RunningServer(behaviour: .failing)
    let client = try TestClient(server.path)
    #expect(client.receive(milliseconds: 200) == nil)
    server.control.become(.good)
    #expect(try client.line().status == .ok)
  }

  @Test("a client that comes as the service ends gets a line, from this one or from the next")
  func handover() throws {
    let listener = try ListeningSocket()
    var clients: [TestClient] = []
    for _ in 0..<10 {
      let server = try RunningServer(listener: listener)
      _ = try TestClient(server.path).line()
      let some = DispatchSemaphore(value: 0)
      let end = DispatchGroup()
      nonisolated(unsafe) let ending = server
      DispatchQueue.global().async(group: end) {
        some.wait()
        ending.stop()
      }
      for count in 0..<200 {
        clients.append(try TestClient(listener.path))
        if count == 20 { some.signal() }
      }
      end.wait()
    }
    let last = try RunningServer(listener: listener)
    var cut = 0
    for client in clients where try client.text() == nil { cut += 1 }
    #expect(cut == 0)
    last.stop()
  }

  @Test("a newline and a half-close, the documented probe, changes nothing")
  func halfClosed() throws {
    let server = try RunningServer()
    let client = try TestClient(server.path)
    client.write("\n")
    client.endWriting()
    for _ in 0..<5 { #expect(try client.line().status == .ok) }
  }

  @Test("a client that does not read loses whole lines, costs a few lines of memory, and delays nobody")
  func slow() throws {
    let server = try RunningServer(interval: 0.005)
    let slow = try TestClient(server.path)
    let quick = try TestClient(server.path)
    for _ in 0..<200 { _ = try quick.line() }
    let held = try #require(slow.receive())
    let lines = held.split(separator: UInt8(ascii: "\n"))
    #expect(lines.count <= 12, "\(lines.count) lines were held")
    #expect(held.last == UInt8(ascii: "\n"))
    for line in lines { #expect(throws: Never.self) { try JSONDecoder().decode(PowerLine.self, from: Data(line)) } }
    for _ in 0..<5 { _ = try slow.line() }
  }

  @Test("answers requests, however they arrive, and goes on sending")
  func requests() throws {
    let server = try RunningServer()
    let client = try TestClient(server.path)
    _ = try client.line()
    client.write("{\"get\": \"info\"}\n{\"get\":")
    client.write(" \"sample\"}\n")
    var answers = 0
    var readings = 0
    while answers < 2 || readings < 3 {
      let text = try #require(try client.text())
      if text.contains("power_watts") { readings += 1 } else { answers += 1 }
    }
    #expect(answers == 2)
  }

  @Test("all requests are answered, and a reading never lands within an answer, however late the client reads")
  func wholeAnswers() throws {
    let server = try RunningServer(interval: 0.002)
    let client = try TestClient(server.path)
    client.write(String(repeating: "{}\n", count: 3000))
    let other = try TestClient(server.path)
    var answers = 0
    while answers < 3000 {
      let text = try #require(try client.text(most: 600))
      // A sample goes by between reads, as long as the server still has answers to send.
      if answers % 10 == 0 { _ = try other.line() }
      let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
      if object["error"] != nil { answers += 1 } else { #expect(object["power_watts"] != nil) }
    }
  }

  @Test("a request without an end is answered and the connection closed")
  func tooLong() throws {
    let server = try RunningServer()
    let client = try TestClient(server.path)
    client.write("{" + String(repeating: "x", count: 4096))
    var answered = false
    while let text = try client.text() { answered = answered || text.contains("request_too_long") }
    #expect(answered)
  }

  @Test("a flood is not read for ever, and delays nobody", arguments: ["x", "{}\n"])
  func flood(unit: String) throws {
    let server = try RunningServer()
    let flooder = try TestClient(server.path)
    _ = fcntl(flooder.descriptor, F_SETFL, O_NONBLOCK)
    let chunk = String(repeating: unit, count: 10_000)
    var taken = 0
    // It is over once the server stops reading: then the flooder's own buffers are full.
    while taken < 100 << 20 {
      let sent = send(flooder.descriptor, chunk, chunk.utf8.count, Int32(MSG_NOSIGNAL))
      if sent > 0 {
        taken += sent
      } else {
        var polled = pollfd(fd: flooder.descriptor, events: Int16(POLLOUT), revents: 0)
        if poll(&polled, 1, 300) == 0 { break }
      }
    }
    #expect(taken < 100 << 20)
    let client = try TestClient(server.path)
    for _ in 0..<5 { #expect(try client.line().status == .ok) }
  }

  @Test("a flooder that goes away is forgotten")
  func floodThenGone() throws {
    let server = try RunningServer()
    for unit in ["x", "{}\n"] {
      let flooder = try TestClient(server.path)
      _ = fcntl(flooder.descriptor, F_SETFL, O_NONBLOCK)
      let chunk = String(repeating: unit, count: 50_000)
      for _ in 0..<10 { _ = send(flooder.descriptor, chunk, chunk.utf8.count, Int32(MSG_NOSIGNAL)) }
    }
    for unit in ["x", "{}\n"] {
      let flooder = try TestClient(server.path)
      flooder.write(String(repeating: unit, count: 30_000))
      flooder.endWriting()
      _ = try flooder.text()
    }
    let client = try TestClient(server.path)
    for _ in 0..<5 { #expect(try client.line().status == .ok) }
  }

  @Test("a client that goes away before its answers is answered no more")
  func unansweredThenGone() throws {
    let server = try RunningServer()
    // Long ones, so that they are few: no user has all of the service's time.
    let request = "{" + String(repeating: " ", count: 47) + "}\n"
    let chunk = String(repeating: request, count: 4000)
    /// A client with as many requests as it gets rid of; answers that it does not read keep them waiting.
    func flooder() throws -> (client: TestClient, requests: Int) {
      let client = try TestClient(server.path)
      _ = try client.ask(.unsubscribe)
      _ = fcntl(client.descriptor, F_SETFL, O_NONBLOCK)
      var requests = 0
      while true {
        let sent = send(client.descriptor, chunk, chunk.utf8.count, Int32(MSG_NOSIGNAL))
        guard sent > 0 else { return (client, requests) }
        requests += sent / request.utf8.count
        usleep(5000)
      }
    }
    func cpuSeconds(_ work: () throws -> Void) rethrows -> Double {
      let before = clock()
      try work()
      return Double(clock() - before) / Double(CLOCKS_PER_SEC)
    }
    // The reference: one whose requests are all answered.
    let answered = try cpuSeconds {
      let (client, requests) = try flooder()
      var answers = 0
      while answers < requests {
        let bytes = try #require(client.receive())
        try #require(!bytes.isEmpty)
        answers += bytes.count { $0 == UInt8(ascii: "\n") }
      }
    }
    let gone = try cpuSeconds {
      for _ in 0..<20 { _ = try flooder() }
      _ = try TestClient(server.path).ask(.info)
    }
    #expect(gone < answered / 4, "\(gone) s, \(answered) s")
  }

  @Test("stop() takes the socket away and ends every connection")
  func stop() throws {
    let server = try RunningServer()
    let clients = try (0..<50).map { _ in try TestClient(server.path) }
    for client in clients { _ = try client.line() }
    server.stop()
    #expect(!FileManager.default.fileExists(atPath: server.path))
    for client in clients { while try client.text() != nil {} }
  }

  @Test("clients that have gone leave no descriptor behind")
  func descriptors() throws {
    let server = try RunningServer()
    _ = try TestClient(server.path).line()
    func count() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
    let before = try count()
    do {
      let clients = try (0..<100).map { _ in try TestClient(server.path) }
      for client in clients { _ = try client.line() }
      // Both ends of each connection are this process's: the counter counts.
      #expect(try count() > before + 150)
    }
    for _ in 0..<1000 where try count() > before { usleep(5000) }
    #expect(try count() <= before)
  }
}
