internal import Formats
internal import Formatting
internal import NIOCore
internal import NIOHTTP1
internal import PowerClient
internal import PowerProtocol

/// Finds the answer to a request. Lives on one event loop.
final class Router {
  /// The time that the page shows.
  private static let pageSeconds = 600

  private let desk: ServiceDesk
  private let loop: any EventLoop
  private let version: String
  private let isLoopback: Bool
  private let onChange: @Sendable ((any Error)?) -> Void
  /// What came of the latest attempt to ask the service: an error's text, or "" for an answer; nil before the first.
  private var latest: String?

  /// - Parameter onChange: called when the service answers, and when it does not for another reason than before.
  init(
    _ desk: ServiceDesk, loop: any EventLoop, version: String, isLoopback: Bool,
    onChange: @escaping @Sendable ((any Error)?) -> Void
  ) {
    self.desk = desk
    self.loop = loop
    self.version = version
    self.isLoopback = isLoopback
    self.onChange = onChange
  }

  /// The answer to a request without a body.
  func reply(to request: HTTPRequestHead) -> EventLoopFuture<Reply> {
    guard let target = RequestTarget(request.uri) else {
      return loop.makeSucceededFuture(Reply(.badRequest, "The request's target is not a path, such as /metrics."))
    }
    if let refusal = refusal(request, target) { return loop.makeSucceededFuture(refusal) }
    guard let find = resource(target, request.headers) else {
      let there = "/, /metrics, /info.json, /sample.json and /history.json"
      return loop.makeSucceededFuture(Reply(.notFound, "This page does not exist. The pages are \(there)."))
    }
    guard request.method == .GET || request.method == .HEAD else {
      return loop.makeSucceededFuture(
        Reply(.methodNotAllowed, "Only GET and HEAD are allowed.", headers: [("Allow", "GET, HEAD")]))
    }
    return find()
  }

  private func refusal(_ request: HTTPRequestHead, _ target: RequestTarget) -> Reply? {
    let hosts = request.headers["host"]
    guard hosts.count == 1 || hosts.isEmpty && request.version == .http1_0 else {
      return Reply(.badRequest, "A request must have exactly one Host header.")
    }
    // A foreign page whose host name was made to point to this machine (DNS rebinding) must not read what local users may.
    if isLoopback, let host = target.authority ?? hosts.first, !Self.isLocal(host) {
      return Reply(.misdirectedRequest, "Only this machine can connect; use localhost as the host name.")
    }
    return nil
  }

  /// Whether a Host header names this machine: by an address, or as localhost.
  private static func isLocal(_ host: String) -> Bool {
    if host.hasPrefix("[") { return true }
    let name = host.prefix { $0 != ":" }.lowercased()
    return name == "localhost" || ListenAddress(host: name, port: 0).socketAddress != nil
  }

  private func resource(_ target: RequestTarget, _ headers: HTTPHeaders) -> (() -> EventLoopFuture<Reply>)? {
    switch target.path {
    case "/metrics": { self.metrics(MetricsFormat.preferred(accept: headers[canonicalForm: "accept"])) }
    case "/": { self.file("text/html; charset=utf-8", PackageResources.page_html) }
    case "/page.css": { self.file("text/css; charset=utf-8", PackageResources.page_css) }
    case "/page.js": { self.file("text/javascript; charset=utf-8", PackageResources.page_js) }
    case "/info.json": { self.json(self.observe(units: false)) { $0.info.json } }
    case "/sample.json": { self.json(self.observe(units: false)) { $0.sample.json } }
    case "/history.json": { self.history(target.query.filter { $0.name == "seconds" }.map(\.value)) }
    default: nil
    }
  }

  private func file(_ type: String, _ bytes: [UInt8]) -> EventLoopFuture<Reply> {
    loop.makeSucceededFuture(Reply(type: type, ByteBuffer(bytes: bytes)))
  }

  private func json<Value: Sendable>(
    _ answer: EventLoopFuture<Value>, _ json: @escaping @Sendable (Value) -> JSON
  ) -> EventLoopFuture<Reply> {
    answer.map { Reply(.ok, json($0)) }.recover { Reply($0) }
  }

  /// - Parameter seconds: the query's values for seconds.
  private func history(_ seconds: [String]) -> EventLoopFuture<Reply> {
    let text = seconds.first ?? "\(Self.pageSeconds)"
    guard seconds.count <= 1, text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
      let number = Int(text), Request.historySeconds.contains(number)
    else {
      let range = Request.historySeconds
      let why =
        "seconds must be one whole number from \(range.lowerBound) to \(range.upperBound), such as /history.json?seconds=600"
      return loop.makeSucceededFuture(Reply(.badRequest, RequestError.invalidValue(why).json))
    }
    return json(desk.history(seconds: number)) { $0.json }
  }

  /// Even without the service there is something to report: that it does not answer.
  private func metrics(_ format: MetricsFormat) -> EventLoopFuture<Reply> {
    observe(units: true).map { Optional($0) }.recover { _ in nil }.map { [version] observation in
      let text = Metrics.text(format, of: observation, version: version)
      var reply = Reply(type: format.contentType, ByteBuffer(string: text))
      reply.headers = [("Vary", "Accept")]
      return reply
    }
  }

  private func observe(units: Bool) -> EventLoopFuture<Observation> {
    let observation = desk.observe(units: units)
    let bound = NIOLoopBound(self, eventLoop: loop)
    observation.whenComplete { result in
      switch result {
      case .success: bound.value.note(nil)
      // The exporter ends.
      case .failure(let error as ClientError) where error == .interrupted: break
      case .failure(let error): bound.value.note(error)
      }
    }
    return observation
  }

  private func note(_ error: (any Error)?) {
    let now = error.map { "\($0)" } ?? ""
    if now != latest { onChange(error) }
    latest = now
  }
}
