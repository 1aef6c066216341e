import Formatting
import Foundation
import PowerClient
import PowerProtocol
import RAPL
import SystemCalls
import Testing

@testable import EnergyRun

@Suite("The report of a run")
struct ReportTests {
  private static let package = PackageID(package: 0)
  private static let other = PackageID(package: 1)

  private func report(_ runs: [RunOutcome], isTrusted: Bool = false, wanted: Int? = nil, simulated: Bool = false)
    -> RunReport
  {
    let info = ServiceInfo(
      version: "1", source: simulated ? "simulated" : "msr", isSimulated: simulated, intervalSeconds: 1, cpu: nil,
      description: "", packages: [],
      policy: Trace.policy(isTrusted: isTrusted))
    var report = RunReport(
      command: ["sleep", "5"], info: info, windowSeconds: isTrusted ? 0.1 : 0.25, wantedRuns: wanted ?? runs.count)
    report.runs = runs
    return report
  }

  /// A command from 0.004 to 5.1 s in windows of 0.25 s: package 0 draws so many watts and its core and DRAM a part; package
  /// 1 half as many.
  private func run(
    watts: Double = 40, packages: Int = 2, _ policy: Policy = Trace.everybody, isLowerBound: Bool = false,
    end: CommandEnd = .exited(0)
  ) -> RunOutcome {
    let span = CommandSpan(start: 0.004, end: 5.1)
    func point(_ index: Int) -> EnergyPoint {
      let seconds = Double(index) * 0.25
      var joules: [EnergyChannel: Double] = [
        .total: watts * seconds * (packages == 2 ? 1.5 : 1), .part(DomainID(Self.package, .package)): watts * seconds,
        .part(DomainID(Self.package, .core)): watts * seconds * 0.7,
        .part(DomainID(Self.package, .dram)): watts * seconds * 0.1,
      ]
      if packages == 2 { joules[.part(DomainID(Self.other, .package))] = watts * seconds / 2 }
      return EnergyPoint(
        seconds: seconds, windowStart: seconds - 0.25, joules: joules,
        lowerBounds: isLowerBound && index > 2 ? Set(joules.keys) : [])
    }
    var tally = EnergyTally(from: point(0), windowSeconds: 0.25)
    for index in 1...21 { tally.add(point(index)) }
    let energy = RunEnergy(tally, during: span, policy)
    return RunOutcome(
      end: end, seconds: span.seconds,
      energy: energy.map { .success($0) } ?? .failure(.noReading(seconds: 1, reason: nil)))
  }

  private func decoded(_ report: RunReport) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(report.json.text.utf8)) as? [String: Any])
  }

  @Test("for everybody is rounded as the uncertainty is, and says where that comes from")
  func everybody() {
    #expect(
      report([run()]).text == """
        sleep 5: exit code 0 after 5.096 s
                                 energy      mean power    peak
        all packages        306 +- 21 J   60.0 +- 4.1 W  60.0 W
        package 0           204 +- 14 J   40.0 +- 2.7 W  40.0 W
          of which core  142.7 +- 9.7 J   28.0 +- 1.9 W  28.0 W
          plus DRAM       20.4 +- 1.4 J  4.00 +- 0.27 W   4.0 W
        package 1        101.9 +- 6.9 J   20.0 +- 1.4 W  20.0 W
        The first and last window of 0.25 s reach beyond the command; +- covers the energy of these two.
        Root and members of the group pkg-watt-stat get exact readings.
        Peak: the highest mean over 0.25 s.
        """)
  }

  @Test("for the trusted says how near its readings are; a single package is its own total")
  func trusted() {
    let text = report([run(packages: 1, Trace.exact)], isTrusted: true).text
    #expect(text.contains("4.0 ms before") && text.contains("150.0 ms after"))
    #expect(text.contains("package 0") && !text.contains("all packages"))
    #expect(!text.contains("Root and members"))
  }

  @Test("explains an energy above idle that is negative, and no other")
  func negative() throws {
    for (idleWatts, isNegative) in [(10.0, false), (200.0, true)] {
      var report = report([run()])
      let idle: IdlePower = try #require(
        IdlePower(Trace.constant(idleWatts).tally([0, 1, 2], window: 1), Trace.exact))
      report.idle = idle
      let note = "Negative: the machine drew more while idle was measured. Measure idle for longer."
      #expect(report.text.contains(note) == isNegative, "\(report.text)")
    }
  }

  @Test("says how long the windows were where readings did not come")
  func longWindows() throws {
    let tally = Trace.constant(40).tally([0, 0.25, 0.75, 1])
    let energy = try #require(RunEnergy(tally, during: CommandSpan(start: 0.01, end: 0.9), Trace.everybody))
    let report = report([RunOutcome(end: .exited(0), seconds: 0.89, energy: .success(energy))])
    #expect(report.text.contains("first and last window of 0.25 to 0.50 s"))
    #expect(report.text.contains("Peak: the highest mean over 0.25 to 0.50 s."))
    #expect(try decoded(report)["longest_window_seconds"] as? Double == 0.5)
  }

  @Test("of a command that is too short for its mean power says so, and keeps the bounds of its energy")
  func tooShort() throws {
    func point(_ seconds: Double) -> EnergyPoint {
      EnergyPoint(
        seconds: seconds, windowStart: seconds - 0.25,
        joules: [
          .total: 40 * seconds, .part(DomainID(Self.package, .package)): 40 * seconds,
          .part(DomainID(Self.package, .uncore)): 0,
        ])
    }
    var tally = EnergyTally(from: point(0), windowSeconds: 0.25)
    tally.add(point(0.25))
    let energy = try #require(RunEnergy(tally, during: CommandSpan(start: 0.1, end: 0.102), Trace.everybody))
    let report = report([RunOutcome(end: .exited(0), seconds: 0.002, energy: .success(energy))])
    #expect(report.text.contains("too short to tell") && !report.text.contains("+- 9.9 W"), "\(report.text)")
    #expect(report.text.contains(" J ") && report.text.contains("\nToo short to tell: "))
    let total = try #require(decoded(report)["total"] as? [String: Any])
    #expect(total["mean_watts"] is NSNull && total["mean_watts_uncertainty"] is NSNull)
    #expect(total["joules"] is Double && total["joules_uncertainty"] is Double)
    let runs = try #require(decoded(report)["runs"] as? [[String: Any]])
    #expect((runs.first?["total"] as? [String: Any])?["mean_watts"] is NSNull)
  }

  @Test("of simulated energy says that it is invented")
  func simulated() throws {
    let report = report([run()], simulated: true)
    #expect(report.text.contains("Simulated: the service invents these numbers."))
    #expect(try decoded(report)["simulated"] as? Bool == true)
  }

  @Test("of a lower bound says so, in each number")
  func lowerBound() throws {
    let report = report([run(isLowerBound: true)])
    #expect(report.text.contains("at least 306 +- 21 J   at least 60.0 +- 4.1 W"))
    #expect(report.text.contains("\nAt least: "))
    let total = try #require(decoded(report)["total"] as? [String: Any])
    #expect(total["lower_bound"] as? Bool == true)
  }

  @Test(
    "of what was not measured says why, has no number, and passes the exit code on",
    arguments: [
      (
        .service(.closed(path: "/a")),
        "Not measured: The service at /a ended or was restarted while the command ran."
      ),
      (.noReading(seconds: 5.5, reason: nil), "Not measured: The service gave no fresh reading within 6 s of"),
      (.noReading(seconds: 5.5, reason: "The counter is gone."), "the command's end: The counter is gone."),
    ] as [(RunFailure, String)])
  func notMeasured(problem: RunFailure, says: String) throws {
    let report = report([RunOutcome(end: .killed(signal: 9), seconds: 2, energy: .failure(problem))])
    #expect(report.text.hasPrefix("sleep 5: killed by signal 9 after 2.000 s\n"))
    #expect(report.text.contains(says))
    #expect(!report.text.contains(" J") && !report.text.contains(" W"))
    #expect(report.exitCode == 137)
    let object = try decoded(report)
    #expect(object["total"] is NSNull)
    #expect((object["packages"] as? [Any])?.isEmpty == true)
    #expect(object["exit_code"] as? Int == 137)
  }

  @Test("steers no terminal, whatever the names in its sentences hold")
  func steering() {
    var report = report([
      RunOutcome(end: .exited(0), seconds: 2, energy: .failure(.service(.closed(path: "/\u{1B}[2J"))))
    ])
    report.stopped = "Stopped: \(RunFailure.cannotRun(CommandWords(["./\u{1B}[31mred"]).error(2)))"
    #expect(report.text.contains("at /?[2J ended") && report.text.contains("./?[31mred"))
    #expect(!report.text.contains("\u{1B}"))
  }

  @Test("of several runs has their mean and standard deviation")
  func several() throws {
    let report = report([run(watts: 40), run(watts: 42), run(watts: 44)])
    #expect(report.text.hasPrefix("sleep 5: 3 runs, mean 5.096 s (standard deviation 0.000 s); exit code 0\n"))
    let object = try decoded(report)
    let total = try #require(object["total"] as? [String: Any])
    let joules = try #require(total["joules"] as? Double)
    let deviation = try #require(total["joules_deviation"] as? Double)
    #expect(abs(joules - 63 * 5.096) < 1e-5)
    // 60, 63 and 66 W.
    #expect(abs(deviation - 3 * 5.096) < 1e-5)
    #expect(total["peak_watts"] as? Double == 66)
    #expect((object["runs"] as? [Any])?.count == 3)
  }

  @Test("of runs that were stopped says how many there were")
  func stopped() {
    var report = report([run(), run(end: .exited(3))], wanted: 5)
    report.stopped = "Stopped: exit code 3."
    #expect(report.text.hasPrefix("sleep 5: 2 of 5 runs, mean"))
    #expect(report.text.hasSuffix("\nStopped: exit code 3."))
    #expect(report.exitCode == 3)
    report.failure = .interrupted(signal: 2)
    #expect(report.exitCode == 130)
  }

  @Test("has the domains within their package, and the dies' numbers")
  func packages() throws {
    let object = try decoded(report([run()]))
    let packages = try #require(object["packages"] as? [[String: Any]])
    #expect(packages.map { $0["package"] as? Int } == [0, 1])
    let domains = try #require(packages[0]["domains"] as? [String: [String: Any]])
    #expect(domains.keys.sorted() == ["core", "dram"])
    #expect(domains["core"]?["mean_watts"] as? Double == 28)
  }

  @Test("shows nothing of a command that a terminal would act on")
  func controls() {
    var report = report([run()])
    report.command = ["printf", "\u{1B}[2J\n"]
    #expect(report.text.hasPrefix("printf ?[2J?: exit code 0"))
    report.command = ["echo", String(repeating: "x", count: 100)]
    #expect(report.text.hasPrefix("echo \(String(repeating: "x", count: 52))...: exit code 0"))
  }

  @Test(
    "failures have the exit codes that env and timeout have",
    arguments: [
      (.service(.noService(paths: ["/a"])), 125, "The command was not started. No service answers at /a; start one"),
      (.noReading(seconds: 3, reason: "Why."), 125, "no fresh reading within 3 s: Why."),
      (.otherClock, 125, "container"),
      (.noIdlePower, 125, "Try again"), (.interrupted(signal: 15), 143, "Signal 15"),
      (
        .cannotRun(CommandWords(["x"]).error(ENOENT)), 127,
        "Cannot run x: No such file or directory. Is it installed, and in PATH?"
      ),
      (.cannotRun(CommandWords(["x"]).error(EACCES)), 126, "Permission denied"),
      (.noProcess(errno: EAGAIN), 125, "create a process"),
      (.noSignals(errno: EMFILE), 125, "Too many open files"), (.lost(errno: ECHILD), 125, "No child"),
    ] as [(RunFailure, Int32, String)])
  func failures(failure: RunFailure, exitCode: Int32, says: String) {
    #expect(failure.exitCode == exitCode)
    #expect("\(failure)".contains(says))
  }
}
