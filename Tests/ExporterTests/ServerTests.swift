import Foundation
import NIOCore
import NIOPosix
import PowerProtocol
import Synchronization
import Testing

@testable import Exporter
import Formats

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

  @Test(
    "gives as much history as is asked for: ten minutes if nothing is said",
    arguments: [
      ("", 600), ("?seconds=1", 1), ("?seconds=86400", 86_400), ("?x=1&seconds=%36%30", 60), ("?seconds=0060", 60),
      ("?x", 600),
    ])
  func history(query: String, seconds: Int) throws {
    let exporter = try RunningExporter()
    #expect(try exporter.get("/history.json\(query)").status == 200)
    #expect(exporter.service.histories == [seconds])
  }

  @Test(
    "refuses a query that makes no sense, and says what does",
    arguments: [
      "seconds=", "seconds", "seconds=0", "seconds=-1", "seconds=+60", "seconds=86401", "seconds=60.0", "seconds=1e3",
      "seconds=x",
      "seconds=60%20", "seconds=99999999999999999999", "seconds=60&seconds=60", "seconds=%EF%BC%91",
    ])
  func badQueries(query: String) throws {
    let exporter = try RunningExporter()
    let response = try exporter.get("/history.json?\(query)")
    #expect(response.status == 400 && response.headers["content-type"] == "application/json")
    #expect(
      response.body == #"{"error": {"code": "invalid_value", "message": "#
        + #""seconds must be one whole number from 1 to 86400, such as /history.json?seconds=600."}}"# + "\n")
    #expect(exporter.service.histories.isEmpty)
  }

  @Test("asks for few different histories at a time, and says so to others")
  func manyHistories() throws {
    let exporter = try RunningExporter()
    let gate = DispatchSemaphore(value: 0)
    exporter.service.wait(for: gate)
    let clients = try (1...20).map { seconds in
      let client = try exporter.client()
      client.request("GET /history.json?seconds=\(seconds)")
      return client
    }
    // Those that are not asked for are answered while the others wait.
    let end = ContinuousClock.now + .seconds(20)
    while clients.count(where: { $0.hasArrived }) < 12, ContinuousClock.now < end { usleep(1000) }
    let (refused, waiting) = (clients.filter { $0.hasArrived }, clients.filter { !$0.hasArrived })
    #expect(refused.count == 12)
    for client in refused {
      let response = try client.response()
      #expect(response.status == 503 && response.body.contains("ask again in a moment"))
    }
    exporter.service.wait(for: nil)
    gate.signal()
    for client in waiting { #expect(try client.response().status == 200) }
    #expect(Set(exporter.service.histories).count == 8)
    #expect(try exporter.get("/history.json?seconds=9").status == 200)
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
    let service = ScriptedService()
    let desk = NIOLoopBoundBox<ServiceDesk?>.makeEmptyBox(valueType: ServiceDesk.self, eventLoop: loop)
    let ask = { @Sendable in (desk.value?.observe(units: true))! }
    let both = try loop.flatSubmit {
      desk.value = ServiceDesk(service, loop: loop, thread: thread, keep: .seconds(60))
      return EventLoopFuture.whenAllSucceed([ask(), ask()], on: loop)
    }.wait()
    #expect(both == [Examples.observation, Examples.observation])
    #expect(service.observations.withLock { $0 } == 1)
    #expect(try loop.flatSubmit { ask() }.wait() == Examples.observation)
    #expect(service.observations.withLock { $0 } == 2)
  }

  @Test("whoever waits behind a question that a hung service is given up at is told so, and waits no longer")
  func hung() throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let thread = NIOThreadPool(numberOfThreads: 1)
    thread.start()
    defer {
      try? group.syncShutdownGracefully()
      try? thread.syncShutdownGracefully()
    }
    let loop = group.any()
    let service = ScriptedService()
    let gate = DispatchSemaphore(value: 0)
    service.wait(for: gate)
    service.isThere(false)
    let desk = NIOLoopBoundBox<ServiceDesk?>.makeEmptyBox(valueType: ServiceDesk.self, eventLoop: loop)
    // All of them want to know before the first is given up.
    let failed = try loop.submit {
      let asked = ServiceDesk(service, loop: loop, thread: thread, keep: .seconds(60), shortestHang: .zero)
      desk.value = asked
      let answers = [
        asked.history(seconds: 1).map { _ in }, asked.history(seconds: 2).map { _ in },
        asked.observe(units: false).map { _ in },
      ]
      return answers.map { $0.map { false }.recover { $0 is ScriptedService.Unavailable } }
    }.wait()
    for _ in failed { gate.signal() }
    #expect(try failed.map { try $0.wait() } == [true, true, true])
    #expect(service.histories == [1])
    // Whoever asks later asks the service.
    service.isThere(true)
    service.wait(for: nil)
    #expect(try loop.flatSubmit { (desk.value?.history(seconds: 2))! }.wait() == Examples.history)
    #expect(service.histories == [1, 2])
  }

  @Test("does not answer for ever whoever asks on and reads nothing")
  func greedy() throws {
    let exporter = try RunningExporter()
    let client = try exporter.client()
    // More than the buffers of both sides hold.
    for _ in 0..<20_000 { client.request("GET /page.js") }
    // Time enough to answer all of them.
    usleep(3_000_000)
    var answers = 0
    while let response = try? client.response() {
      #expect(response.status == 200)
      answers += 1
    }
    #expect(answers > 0 && answers < 15_000, "\(answers)")
  }
}
