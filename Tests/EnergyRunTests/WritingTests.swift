import EnergyRun
import Formatting
import Foundation
import PowerProtocol
import SystemCalls
import Testing

@Suite("The report's place")
struct ReportWritingTests {
  private static func report(exitCode: Int32) -> RunReport {
    let info = ServiceInfo(
      version: "1", source: "msr", isSimulated: false, intervalSeconds: 1, cpu: nil, description: "", packages: [],
      policy: Policy(
        isTrusted: false, trustedGroup: nil, shortestIntervalSeconds: 0.25, wattsResolution: 0.01,
        joulesResolution: 0.01))
    var report = RunReport(command: ["true"], info: info, windowSeconds: 0.25)
    report.runs = [RunOutcome(end: .exited(exitCode), seconds: 1, energy: .failure(.interrupted(signal: 2)))]
    return report
  }

  @Test("gets the report, and the exit code is the command's", arguments: [Int32(0), 3], [false, true])
  func written(exitCode: Int32, asJSON: Bool) throws {
    let path = NSTemporaryDirectory() + "pkg-watt-stat-report-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    let report = Self.report(exitCode: exitCode)
    let output = try Output(path, orElse: .standardError)
    #expect(report.write(to: output, asJSON: asJSON) { Issue.record("\($0)") } == exitCode)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == (asJSON ? report.json.text : report.text) + "\n")
  }

  @Test("that cannot be written to makes a success a failure, and keeps a failure", arguments: [(0, 1), (3, 3)])
  func full(command: Int32, exitCode: Int32) throws {
    var complaints: [String] = []
    let output = try Output("/dev/full", orElse: .standardError)
    #expect(
      Self.report(exitCode: command).write(to: output, asJSON: false) { complaints.append($0) } == exitCode)
    #expect(complaints.count == 1 && complaints[0].contains("/dev/full"))
  }
}
