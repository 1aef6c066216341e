import Formatting
import Foundation
import RAPL
import Testing

@testable import PowerProtocol

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

private let limits = LimitsReport(
  unixSeconds: 1_640_995_200.123, monotonicSeconds: 86_412.507, source: "msr",
  packages: [
    .init(
      id: PackageID(package: 0),
      limits: PackageLimits(
        limits: [
          PowerLimit(
            name: .pl1, watts: CheckedNumber(35), windowSeconds: CheckedNumber(28), isEnabled: true, isClamped: false,
            isLocked: true),
          PowerLimit(
            name: .pl2, watts: CheckedNumber(4095.875, isPlausible: false),
            windowSeconds: CheckedNumber(4096, isPlausible: false), isEnabled: false, isClamped: true, isLocked: true),
          PowerLimit(
            name: .pl4, watts: CheckedNumber(105.5), windowSeconds: nil, isEnabled: nil, isClamped: nil, isLocked: nil),
        ],
        platformLimits: [
          PowerLimit(
            name: .pl2, watts: CheckedNumber(90), windowSeconds: CheckedNumber(0.00244140625), isEnabled: true,
            isClamped: false, isLocked: false)
        ], tdpWatts: CheckedNumber(45), leastWatts: CheckedNumber(9), mostWatts: CheckedNumber(4, isPlausible: false),
        throttleCelsius: CheckedNumber(100)),
      throttling: PackageThrottling(
        throttledSeconds: [.package: 2.5, .dram: 0], throttledRangeSeconds: 4_194_304,
        reasons: [
          .core: LimitReasons(active: [.pl1], logged: [.thermal, .pl1]), .ring: LimitReasons(active: [], logged: []),
        ], celsius: CheckedNumber(-3, isPlausible: false))),
    .init(id: PackageID(package: 1, die: 1), limits: PackageLimits(), throttling: PackageThrottling()),
  ])

/// The greatest numbers that powercap's files can hold.
private let greatestLimits = LimitsReport(
  unixSeconds: 7.5, monotonicSeconds: 3, source: "powercap",
  packages: [
    .init(
      id: PackageID(package: 0),
      limits: PackageLimits(
        limits: [
          PowerLimit(
            name: .pl1, watts: CheckedNumber(Double(UInt64.max) / 1e6, isPlausible: false),
            windowSeconds: CheckedNumber(Double(UInt64.max) / 1e6, isPlausible: false), isEnabled: nil, isClamped: nil,
            isLocked: nil)
        ]), throttling: PackageThrottling())
  ])

private let noLimits = LimitsReport(
  unixSeconds: 7.5, monotonicSeconds: 3, source: nil, reason: "Why.", packages: [])

@Suite("An answer")
struct AnswerTests {
  @Test(
    "is one line of ASCII, and is read back as it was written",
    arguments: [
      (info.json, .info(info)), (sample.json, .sample(sample)), (history.json, .history(history)),
      (limits.json, .limits(limits)), (noLimits.json, .limits(noLimits)),
      (greatestLimits.json, .limits(greatestLimits)),
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
    let counter = #"{"domain": "npu", "unit_joules": 1, "unit_source": "register"}, "#
    let newInfo = info.json.text.replacingOccurrences(
      of: #"{"domain": "dram""#, with: counter + #"{"domain": "dram""#)
    #expect(newInfo.contains("npu"))
    #expect(try JSONDecoder().decode(Answer.self, from: Data(newInfo.utf8)) == .info(info))
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

  @Test("with a package that is a domain of itself is an error: it would be there twice")
  func ownDomain() throws {
    let text = sample.json.text.replacingOccurrences(of: #""domains": {"core""#, with: #""domains": {"package""#)
    #expect(text != sample.json.text)
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(Answer.self, from: Data(text.utf8)) }
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

  @Test(
    "with a number out of reason is an error",
    arguments: [
      (sample.json, "\"sequence\": 12", ["-1", "1e300", "1e19", "0.5"]),
      (sample.json, "\"timestamp\": 1640995200.123", ["1e300", "-1e12", "1e12", "1e400"]),
      (sample.json, "\"monotonic_seconds\": 86412.507", ["1e300", "-1", "1e11"]),
      (sample.json, "\"window_seconds\": 1", ["1e300", "-1", "1e10"]),
      (sample.json, "\"watts\": 59.75", ["1e300", "-1e-9", "1e16"]),
      (sample.json, "\"watts\": 29.75", ["1e300", "-1"]),
      (sample.json, "\"joules\": 12345.67", ["1e300", "-1"]),
      (sample.json, "\"rejected_readings\": 3", ["-1", "1e300"]), (sample.json, "\"wakeups\": 123", ["-1", "1e300"]),
      (sample.json, "\"cpu_seconds\": 0.12", ["-1", "1e300"]), (sample.json, "\"die\": 1", ["-1", "1e300"]),
      (sample.json, "\"package\": 0", ["-1", "1e300", "1e7"]),
      (info.json, "\"interval_seconds\": 1", ["0", "-1", "1e10", "1e300", "1e-300"]),
      (info.json, "\"shortest_interval_seconds\": 0.25", ["0", "-1", "1e10", "1e300", "1e-300"]),
      (info.json, "\"watts_resolution\": 0.01", ["-1", "1e300"]),
      (info.json, "\"joules_resolution\": 0.01", ["-1", "1e300"]),
      (info.json, "\"unit_joules\": 6.103515625e-05", ["-1", "1e300"]),
      (info.json, "\"protocol\": 2", ["-1", "1e300"]),
      (Subscription(intervalSeconds: 5).json, "\"interval_seconds\": 5", ["0", "-1", "1e10", "1e300"]),
      (history.json, "\"seconds\": 600", ["0", "-1", "1e300", "86401"]),
      (limits.json, "\"timestamp\": 1640995200.123", ["1e300", "-1e12"]),
      (limits.json, "\"watts\": 105.5", ["1e300", "-1", "null", "\"1\""]),
      (limits.json, "\"window_seconds\": 28", ["-1", "1e300"]), (limits.json, "\"tdp_watts\": 45", ["-1", "1e300"]),
      (limits.json, "\"celsius\": -3", ["-1e4", "1e300"]), (limits.json, "\"dram\": 0", ["-1", "1e300"]),
      (limits.json, "\"throttled_range_seconds\": 4194304", ["-1", "1e300"]),
      (history.json, "[7.5, 30,", ["[1e300, 30,", "[7.5, -1,", "[7.5, 1e10,", "[7.5, 30, -1,", "[7.5, 30, 1e300,"]),
    ] as [(JSON, String, [String])])
  func absurd(json: JSON, member: String, numbers: [String]) throws {
    #expect(json.text.contains(member))
    for number in numbers {
      let new = member.hasPrefix("[") ? number : member.prefix { $0 != ":" } + ": " + number
      let text = json.text.replacingOccurrences(of: member, with: new)
      #expect(throws: (any Error).self, "\(new)") { try JSONDecoder().decode(Answer.self, from: Data(text.utf8)) }
    }
  }

  @Test("that names a package twice, or is two answers at once, is an error")
  func ambiguous() {
    for text in [
      sample.json.text.replacingOccurrences(of: "\"package\": 1, \"die\": 1", with: "\"package\": 0"),
      info.json.text.replacingOccurrences(of: "\"package\": 1, \"die\": 1", with: "\"package\": 0"),
      limits.json.text.replacingOccurrences(of: "\"package\": 1, \"die\": 1", with: "\"package\": 0"),
      sample.json.text.dropLast() + ", " + info.json.text.dropFirst(),
      #"{"power_watts": 1, "timestamp": 1, "status": "ok", "error": {"code": "a", "message": "b"}}"#,
      #"{"power_watts": 1, "timestamp": 1, "status": "ok", "subscribed": "sample", "interval_seconds": 1}"#,
    ] {
      #expect(throws: (any Error).self) { try JSONDecoder().decode(Answer.self, from: Data(text.utf8)) }
    }
  }

  @Test("has texts that a terminal may be given, and that have an end")
  func texts() throws {
    let evil = "\u{1B}]0;x\u{7}\u{9B}31m\u{202E}\n\u{7F}µ"
    let clean = "?]0;x??31m????"
    var (evilInfo, cleanInfo) = (info, info)
    (evilInfo.version, evilInfo.source, evilInfo.cpu, evilInfo.description) = (evil, evil, evil, evil)
    (cleanInfo.version, cleanInfo.source, cleanInfo.cpu, cleanInfo.description) = (clean, clean, clean, clean)
    (evilInfo.policy.trustedGroup, cleanInfo.policy.trustedGroup) = (evil, clean)
    evilInfo.packages[0].domains[0].unitSource = evil
    cleanInfo.packages[0].domains[0].unitSource = clean
    #expect(try JSONDecoder().decode(Answer.self, from: Data(evilInfo.json.line)) == .info(cleanInfo))
    var (evilSample, cleanSample) = (sample, sample)
    (evilSample.reason, cleanSample.reason) = (evil, clean)
    #expect(try JSONDecoder().decode(Answer.self, from: Data(evilSample.json.line)) == .sample(cleanSample))
    evilSample.reason = String(repeating: "x", count: 100_000)
    cleanSample.reason = String(repeating: "x", count: 2000) + "..."
    #expect(try JSONDecoder().decode(Answer.self, from: Data(evilSample.json.line)) == .sample(cleanSample))
    let refusal = JSON.object([("error", .object([("code", .string(evil)), ("message", .string(evil))]))])
    #expect(
      try JSONDecoder().decode(Answer.self, from: Data(refusal.line)) == .refused(Refusal(code: clean, message: clean)))
  }

  @Test("of limits has what is known, and ignores names that a newer service has")
  func limitsOfNewer() throws {
    let text = limits.json.text
    #expect(
      text.contains(
        #"{"name": "pl1", "watts": 35, "window_seconds": 28, "enabled": true, "clamping": false, "locked": true, "implausible": []}"#
      ))
    #expect(text.contains(#"{"name": "pl4", "watts": 105.5, "implausible": []}"#))
    #expect(text.contains(#""throttled_seconds": {"package": 2.5, "dram": 0}, "throttled_range_seconds": 4194304"#))
    #expect(
      text.hasSuffix(
        #"{"package": 1, "die": 1, "power_limits": [], "platform_power_limits": [], "implausible": []}]}}"#))
    let newer =
      text
      .replacingOccurrences(of: #"{"name": "pl4", "watts": 105.5"#, with: #"{"name": "pl3", "watts": "much""#)
      .replacingOccurrences(
        of: #"{"core": {"active": ["pl1"]"#,
        with: #"{"npu": {"active": [], "logged": []}, "core": {"active": ["tea", "pl1"]"#
      )
      .replacingOccurrences(of: #""celsius": -3"#, with: #""celsius": -3, "volts": {}"#)
    var known = limits
    known.packages[0].limits.limits.removeLast()
    #expect(try JSONDecoder().decode(Answer.self, from: Data(newer.utf8)) == .limits(known))
  }

  @Test("of history leaves out rows of no time")
  func emptyRows() throws {
    let text = history.json.text.replacingOccurrences(of: "[8.5, 1,", with: "[8.5, 0,")
    let read = HistoryReport(seconds: 600, rows: [history.rows[0]])
    #expect(try JSONDecoder().decode(Answer.self, from: Data(text.utf8)) == .history(read))
  }
}

@Suite("A history in pieces")
struct HistoryPieceTests {
  @Test("is the whole answer", arguments: [0, 1, 2, 3, 4, 5, 9, 10, 11])
  func pieces(rows: Int) {
    let row = { (number: Int) in
      HistoryReport.Row(
        unixSeconds: Double(number), seconds: 1, watts: 2.5, leastWatts: 1, mostWatts: 3, joules: 2.5,
        isAsleep: number % 2 == 0)
    }
    let report = HistoryReport(seconds: 600, rows: (0..<rows).map(row))
    for count in [1, 2, 5, 100] {
      var bytes: [UInt8] = []
      var piece = 0
      while let next = report.piece(piece, ofRows: count) {
        bytes += next
        piece += 1
      }
      #expect(bytes == report.json.line, "\(count)")
      #expect(piece == max((rows + count - 1) / count, 1))
    }
  }
}
