import Formatting
import Foundation
import PowerProtocol
import Testing

private func parse(_ text: String) throws(RequestError) -> Request { try Request(parsing: text.utf8) }

@Suite("A request")
struct RequestTests {
  @Test(
    "means the same however its JSON is written",
    arguments: [
      (#"{"get":"info"}"#, .info), (#"{"get": "limits"}"#, .limits), (#" { "get" : "sample" } "#, .sample()),
      (#"{"get": "sample", "fresh": false}"#, .sample()), (#"{"fresh":true,"get":"sample"}"#, .freshSample()),
      ("{\"get\": \"sample\"}\r", .sample()), (#"{"get": "inf\u006f"}"#, .info),
      (#"{"seconds": 600, "get": "history"}"#, .history(seconds: 600)),
      (#"{"get": "history", "seconds": 8.64e4}"#, .history(seconds: 86_400)),
      (#"{"subscribe": "sample"}"#, .subscribe(intervalSeconds: nil)),
      (#"{"subscribe": "sample", "interval_seconds": 0.25}"#, .subscribe(intervalSeconds: 0.25)),
      (#"{"subscribe": "sample", "interval_seconds": 5E-1}"#, .subscribe(intervalSeconds: 0.5)),
      (#"{"subscribe": "sample", "domains": true}"#, .subscribe(intervalSeconds: nil)),
      (#"{"domains": false, "subscribe": "sample"}"#, .subscribe(intervalSeconds: nil, domains: false)),
      (#"{"subscribe": "none"}"#, .unsubscribe),
      (#"{"get": "sample", "domains": false}"#, .sample(domains: false)),
      (#"{"domains": true, "get": "sample"}"#, .sample()),
      (#"{"get": "sample", "domains": false, "fresh": true}"#, .freshSample(domains: false)),
    ] as [(String, Request)])
  func meaning(text: String, request: Request) throws {
    #expect(try parse(text) == request)
  }

  @Test(
    "is read back as it was sent",
    arguments: [
      .info, .limits, .sample(), .freshSample(), .sample(domains: false), .freshSample(domains: false),
      .history(seconds: 1),
      .subscribe(intervalSeconds: nil),
      .subscribe(intervalSeconds: 0.01), .subscribe(intervalSeconds: 5, domains: false), .unsubscribe,
    ] as [Request])
  func roundTrip(request: Request) throws {
    #expect(try Request(parsing: request.json.line.dropLast()) == request)
  }

  @Test(
    "that is not one flat JSON object is invalid",
    arguments: [
      "", "{", "{}}", #"{"get"}"#, #"{"get": }"#, #"{"get": "info""#, #"{"get": "info"} x"#, #"{"get": "info",}"#,
      #"{"get": "info" "a": 1}"#, #"{get: "info"}"#, #"{"get": 'info'}"#, #"{"get": "in\fo\x"}"#, #"{"get": "\u12"}"#,
      #"{"get": "\ud800"}"#, #"{"get": "\ud800\u0041"}"#, #"{"get": "\udc00\udc00"}"#, "{\"get\": \"a\u{1}\"}",
      #"{"get": {"a": 1}}"#, #"{"get": [1]}"#, #"{"get": [[[[[[[["#, #"{"a":{"a":{"a":{"a":{"#, #"{"get": 01}"#,
      #"{"get": 1.}"#, #"{"get": .5}"#, #"{"get": -}"#, #"{"get": 1e}"#, #"{"get": tru}"#, #"{"get": NaN}"#,
      #"{"get": "info", "get": "info"}"#, #"{"get": "info", "g\u0065t": "info"}"#,
      #"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1}"#,
    ])
  func invalid(text: String) {
    #expect(code(of: text) == "invalid_json")
  }

  @Test("that is not UTF-8 is invalid")
  func notUTF8() {
    #expect(throws: RequestError.invalidJSON("a string is not UTF-8")) {
      try Request(parsing: Array(#"{"get": ""#.utf8) + [0xFF, 0xC0] + Array(#""}"#.utf8))
    }
  }

  @Test(
    "that nobody serves is unknown",
    arguments: [
      "{}", #"{"a": 1}"#, #"{"get": "watts"}"#, #"{"subscribe": "watts"}"#, #"{"get": "info", "subscribe": "none"}"#,
      #"{"get": "info", "seconds": 1}"#, #"{"subscribe": "none", "interval_seconds": 1}"#,
      #"{"subscribe": "none", "domains": true}"#, #"{"get": "info", "domains": false}"#, #"{"get": ""}"#,
    ])
  func unknown(text: String) {
    #expect(code(of: text) == "unknown_request")
  }

  @Test(
    "with a value of the wrong type or out of range says so",
    arguments: [
      #"{"get": 1}"#, #"{"get": null}"#, #"{"subscribe": true}"#, #"{"get": "history"}"#,
      #"{"get": "history", "seconds": 0}"#, #"{"get": "history", "seconds": 86401}"#,
      #"{"get": "history", "seconds": 1.5}"#, #"{"get": "history", "seconds": "60"}"#,
      #"{"get": "history", "seconds": 1e400}"#, #"{"get": "history", "seconds": -1e300}"#,
      #"{"subscribe": "sample", "interval_seconds": 0}"#, #"{"subscribe": "sample", "interval_seconds": -1}"#,
      #"{"subscribe": "sample", "interval_seconds": 86401}"#, #"{"subscribe": "sample", "interval_seconds": "1"}"#,
      #"{"subscribe": "sample", "interval_seconds": null}"#, #"{"get": "sample", "fresh": 1}"#,
      #"{"subscribe": "sample", "domains": 1}"#, #"{"subscribe": "sample", "domains": "false"}"#,
      #"{"get": "sample", "domains": 0}"#, #"{"get": "sample", "fresh": true, "domains": null}"#,
      #"{"get": "sample", "fresh": null}"#, #"{"get": "sample", "fresh": "true"}"#,
    ])
  func values(text: String) {
    #expect(code(of: text) == "invalid_value")
  }

  @Test(
    "is refused by one JSON object on one line, that names code and reason",
    arguments: [
      .invalidJSON("\"\\\n\u{7}"), .unknownRequest("x"), .invalidValue("x"), .noReading, .busy, .requestTooLong,
      .notAllowed(seconds: 0.01, shortest: 0.25, group: "power"),
    ] as [RequestError])
  func errorAnswers(error: RequestError) throws {
    let bytes = error.json.line
    #expect(bytes.last == UInt8(ascii: "\n") && bytes.dropLast().allSatisfy { (32...126).contains($0) })
    let answer = try JSONDecoder().decode(Answer.self, from: Data(bytes))
    #expect(answer == .refused(Refusal(code: error.code, message: "\(error)".printable)))
  }

  @Test("for more than is allowed is refused with the name of the group that may")
  func group() {
    #expect("\(RequestError.notAllowed(seconds: 0.01, shortest: 0.25, group: "power"))".contains("group power"))
    #expect(!"\(RequestError.notAllowed(seconds: 0.01, shortest: 0.25, group: nil))".contains("group"))
  }

  private func code(of text: String) -> String? {
    do throws(RequestError) {
      _ = try parse(text)
      return nil
    } catch {
      return error.code
    }
  }
}
