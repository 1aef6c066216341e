import Dispatch
import Formatting
import Foundation
import PowerProtocol
import Testing

@testable import PowerClient

private let unasked = #"{"subscribed": "none", "interval_seconds": null}"# + "\n"
private let refusal = #"{"error": {"code": "busy", "message": "No."}}"# + "\n"
/// What goes on for 8 s, and is never a line of version 1, nor an answer to a request for a sample.
private let nuisances: [(first: String, piece: String)] = [("", "x"), ("{", " "), ("", unasked)]

@Suite("The patience of a connection", .timeLimit(.minutes(1)))
struct PatienceTests {
  /// - Returns: what ended a wait on a server that goes on with something else, which has to be soon.
  private func end(
    of pieces: [String], patience: Int32 = 300, _ wait: (inout PowerConnection) throws(ClientError) -> Void
  ) throws {
    let server = try OneClientServer(pieces, pause: 20_000)
    var connection = try PowerConnection(paths: [server.path], patienceMilliseconds: patience)
    let begin = Date.now
    var end: ClientError?
    do throws(ClientError) { try wait(&connection) } catch { end = error }
    #expect(Date.now.timeIntervalSince(begin) < 6)
    guard case .silent(server.path, _) = end else {
      Issue.record("it ended by \(end.map { "\($0)" } ?? "what was waited for")")
      return
    }
  }

  @Test("is one for an answer, whatever comes meanwhile", arguments: nuisances)
  func answer(first: String, piece: String) throws {
    let pieces = [first] + [String](repeating: piece, count: 400)
    try end(of: pieces) { connection throws(ClientError) in _ = try connection.sample() }
  }

  @Test("is one for the first line, whatever comes meanwhile", arguments: nuisances + [("", refusal)])
  func line(first: String, piece: String) throws {
    let pieces = [first] + [String](repeating: piece, count: 400)
    try end(of: pieces) { connection throws(ClientError) in _ = try connection.next() }
  }

  @Test("is one for each later line and sample too, and nothing but an answer to a question is a sign of life")
  func later() throws {
    for piece in ["x", unasked, refusal] {
      let pieces = [good + "\n"] + [String](repeating: piece, count: 400)
      try end(of: pieces) { connection throws(ClientError) in
        _ = try connection.next()
        _ = try connection.next()
      }
      try end(of: pieces) { connection throws(ClientError) in _ = try connection.nextSample() }
    }
  }

  @Test("is one for an event")
  func event() throws {
    let server = try OneClientServer([String](repeating: "x", count: 400), pause: 20_000)
    var connection = try PowerConnection(paths: [server.path])
    let begin = Date.now
    guard case .timeout = try connection.next(or: -1, until: PowerConnection.deadline(milliseconds: 100)) else {
      Issue.record("it came")
      return
    }
    #expect(Date.now.timeIntervalSince(begin) < 6)
  }

  @Test("ends with the time that all questions may take together")
  func together() throws {
    let pieces = [String](repeating: unasked, count: 400)
    try end(of: pieces, patience: 60_000) { connection throws(ClientError) in
      connection.endNanoseconds = Int64(DispatchTime.now().uptimeNanoseconds) + 300_000_000
      _ = try connection.sample()
    }
  }

  @Test("has no end while a service answers that it has a reading once an hour")
  func hourly() throws {
    let info = ServiceInfo(
      version: "1", source: "msr", isSimulated: false, intervalSeconds: 3600, cpu: "", description: "", packages: [],
      policy: Policy(
        isTrusted: false, trustedGroup: nil, shortestIntervalSeconds: 0.25, wattsResolution: 0.01,
        joulesResolution: 0.01))
    // The second line comes later than after twice the patience.
    let answer = [String(decoding: info.json.line, as: UTF8.self)] + [String](repeating: "", count: 100)
    let server = try OneClientServer([good + "\n"], pause: 20_000, answer: answer + [good + "\n"])
    var connection = try PowerConnection(paths: [server.path], patienceMilliseconds: 500)
    #expect(try connection.next().line == reading)
    #expect(try connection.next().line == reading)
  }
}
