import Foundation
import PowerProtocol
import RAPL
import Testing

private let policy = Policy(
  isTrusted: false, trustedGroup: "power", shortestIntervalSeconds: 0.25, wattsResolution: 0.01, joulesResolution: 0.01)

private let info = ServiceInfo(
  version: "1.2.3", source: "msr", isSimulated: false, intervalSeconds: 1, cpu: "A \"CPU\"", description: "2 packages",
  packages: [
    .init(
      id: PackageID(package: 0),
      domains: [
        .init(domain: .package, unitJoules: 1.0 / 16_384, unitSource: "register"),
        .init(domain: .dram, unitJoules: nil, unitSource: nil),
      ]),
    .init(id: PackageID(package: 1, die: 1), domains: []),
  ], policy: policy)

private let sample = SampleReport(
  sequence: 12, unixSeconds: 1_640_995_200.123, monotonicSeconds: 86_412.507, windowSeconds: 1, watts: 59.75,
  joules: 12_345.67, isLowerBound: true, status: .stale, reason: "Why.", rejectedReadings: 3,
  packages: [
    .init(
      id: PackageID(package: 0), watts: 42.5, joules: 8781.42, isLowerBound: false,
      domains: [
        .core: .init(watts: 29.75, joules: 6147, isLowerBound: false),
        .dram: .init(watts: nil, joules: 0.5, isLowerBound: true),
      ]),
    .init(id: PackageID(package: 1, die: 1), watts: 17.25, joules: 3564.25, isLowerBound: true),
  ], service: .init(cpuSeconds: 0.12, wakeups: 123))

private let history = HistoryReport(
  seconds: 600,
  rows: [
    .init(
      unixSeconds: 7.5, seconds: 30, watts: 15.25, leastWatts: 15.25, mostWatts: 15.25, joules: 457.5, isAsleep: true),
    .init(unixSeconds: 8.5, seconds: 1, watts: 15, leastWatts: 14, mostWatts: 16, joules: 15, isAsleep: false),
  ])

@Suite("An answer")
struct AnswerTests {
  @Test(
    "is one line of ASCII, and is read back as it was written",
    arguments: [
      (info.json, .info(info)), (sample.json, .sample(sample)), (history.json, .history(history)),
      (Subscription(intervalSeconds: 0.25).json, .subscribed(Subscription(intervalSeconds: 0.25))),
      (Subscription(intervalSeconds: nil).json, .subscribed(Subscription(intervalSeconds: nil))),
    ] as [(JSON, Answer)])
  func roundTrip(json: JSON, answer: Answer) throws {
    let bytes = json.line
    #expect(bytes.last == UInt8(ascii: "\n") && bytes.dropLast().allSatisfy { (32...126).contains($0) })
    #expect(try JSONDecoder().decode(Answer.self, from: Data(bytes)) == answer)
  }

  @Test("of a newer service is understood as far as this version knows it")
  func newer() throws {
    let text = sample.json.text.replacingOccurrences(
      of: #""domains": {"core""#,
      with: #""new": 1, "domains": {"npu": {"watts": 1, "joules": 1, "lower_bound": false}, "core""#)
    #expect(try JSONDecoder().decode(Answer.self, from: Data(text.utf8)) == .sample(sample))
  }

  @Test("of an older service, which does not tell what it serves, is understood")
  func older() throws {
    let text = info.json.text
    let end = try #require(text.range(of: #", "requests""#))
    let old = Data((text[..<end.lowerBound] + "}}").utf8)
    guard case .info(let read) = try JSONDecoder().decode(Answer.self, from: old) else {
      throw CancellationError()
    }
    #expect(read.requests.isEmpty && !read.serves("sample", member: "fresh") && read.policy == policy)
    #expect(info.serves("sample", member: "fresh") && !info.serves("info", member: "fresh"))
  }

  @Test("may be a line of version 1")
  func line() throws {
    let line = PowerLine(centiwatts: 4250, unixMilliseconds: 7500, status: .ok)
    #expect(try JSONDecoder().decode(Answer.self, from: Data(line.encoded)) == .line(line))
  }

  @Test(
    "that is junk is an error",
    arguments: [
      "{}", "[]", "1", #"{"sample": {}}"#, #"{"history": {"seconds": 1, "columns": [], "rows": []}}"#,
      history.json.text.replacingOccurrences(of: ", true]", with: "]"), #"{"error": 1}"#,
    ])
  func junk(text: String) {
    #expect(throws: (any Error).self) { try JSONDecoder().decode(Answer.self, from: Data(text.utf8)) }
  }
}
