import Foundation

/// What `run --json` reports, as any JSON library sees it.
struct RunReport: Decodable {
  struct Energy: Decodable {
    var joules: Double
    var joules_uncertainty: Double
    var lower_bound: Bool
    /// nil for a run that is too short to tell.
    var mean_watts: Double?
    var peak_watts: Double?
    var joules_deviation: Double?
    var idle_watts: Double?
    var above_idle_joules: Double?
    var above_idle_joules_uncertainty: Double?
  }

  struct Package: Decodable {
    var package: Int
    var joules: Double
    var joules_uncertainty: Double
    var domains: [String: Energy]
  }

  struct Run: Decodable {
    var exit_code: Int32
    var signal: Int32?
    var problem: String?
    var seconds: Double
  }

  var exit_code: Int32
  var simulated: Bool
  var exact: Bool
  var window_seconds: Double
  var wanted_runs: Int
  var measured_runs: Int
  var problems: [String]
  var total: Energy?
  var packages: [Package]
  var runs: [Run]
}

/// `pkg-watt-stat run` against a service.
struct Run {
  /// An ordinary user, without further groups.
  static let nobody = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]

  let service: Service
  /// A command that ends by executing the program, such as one that becomes another user first.
  var wrapper: [String] = []
  var options: [String] = []

  /// The command line for a command.
  func arguments(_ command: [String]) -> [String] {
    wrapper + [Executables.service, "run", "--socket", service.socket] + options + ["--"] + command
  }

  /// Runs a command to its end, and reads the report.
  func report(_ command: [String], seconds: Double = 30) throws -> RunReport {
    let file = service.folder.file("report-\(UInt64.random(in: 0...UInt64.max)).json")
    var run = self
    run.options += ["--json", "--output", file]
    let (code, output) = try Child.run(run.arguments(command), seconds: seconds)
    guard let data = FileManager.default.contents(atPath: file), !data.isEmpty else {
      throw TestFailure("no report, exit code \(code): \(output)")
    }
    let report = try JSONDecoder().decode(RunReport.self, from: data)
    guard report.exit_code == code else { throw TestFailure("exit code \(code) is not \(report.exit_code)") }
    return report
  }
}

/// Whether `run` has started its command.
func hasStarted(_ run: Child) -> Bool {
  guard let list = try? String(contentsOfFile: "/proc/\(run.pid)/task/\(run.pid)/children", encoding: .utf8) else {
    return false
  }
  return !list.isEmpty
}
