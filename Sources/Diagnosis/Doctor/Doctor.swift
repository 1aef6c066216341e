internal import Formatting
internal import PowerProtocol

/// Explains whether and how a machine can be measured. It changes nothing.
public enum Doctor {
  /// Examines a machine from top to bottom. This takes a few seconds if counters stand still or move in steps.
  ///
  /// - Parameters:
  ///   - refusal: why the service would refuse to start as this process, whatever the machine is; nil if it would not.
  ///   - tell: gets each finding as soon as it is certain. A failure is certain once nothing else is left that may measure.
  public static func examine(
    _ machine: Machine, refusal: String? = nil, tell: @escaping (Finding) -> Void = { _ in }
  ) -> DoctorReport {
    var examination = Examination(machine, tell: tell)
    examination.lookAtCPU()
    examination.lookAtVirtualization()
    examination.lookAtPackages()
    examination.lookAtContainer()
    examination.lookAtDevices()
    examination.lookAtRegisters()
    examination.lookAtEvents()
    examination.lookAtPowercap()
    examination.lookAtLimits()
    examination.lookAtUnit()
    examination.takeRefusal(refusal)
    examination.settle()
    examination.lookAtTrace()
    examination.lookAtTurbostat()
    examination.lookAtService()
    examination.lookAtOtherMonitors()
    return examination.report
  }
}

/// The doctor's findings.
public struct DoctorReport: Sendable, Equatable {
  /// The findings, from top to bottom.
  public let findings: [Finding]
  /// What measures this machine, best first; empty if nothing does.
  public let measuredBy: [String]

  /// The exit code: 0 if the machine can be measured, else 1.
  public var exitCode: Int32 { measuredBy.isEmpty ? 1 : 0 }

  /// The result in one sentence.
  public var summary: String {
    let warnings = Self.count(findings.count { $0.level == .warning }, "warning")
    guard measuredBy.isEmpty else {
      return "This machine can be measured by \(measuredBy.joined(separator: " and by ")); \(warnings)."
    }
    return "This machine cannot be measured: \(Self.count(failures, "failure")), \(warnings)."
  }

  /// The report as text: a line for each finding, the fix below it, and the summary at the end.
  public var text: String { (findings.map(\.lines) + ["", summary]).joined(separator: "\n") }

  /// One JSON object.
  public var json: String {
    JSON.object([
      ("measurable", .boolean(!measuredBy.isEmpty)), ("measured_by", .array(measuredBy.map { .string($0) })),
      ("summary", .string(summary)),
      (
        "findings",
        .array(
          findings.map { finding in
            .object([
              ("level", .string(finding.level.rawValue)), ("topic", .string(finding.topic.rawValue)),
              ("text", .string(finding.text)), ("fix", .optional(finding.fix)),
            ])
          })
      ),
    ]).text
  }

  /// How many causes there are: failures that one thing to do mends have one.
  private var failures: Int { Set(findings.filter { $0.level == .failure }.map { $0.fix ?? $0.text }).count }

  private static func count(_ count: Int, _ word: String) -> String {
    count == 0 ? "no \(word)s" : count == 1 ? "1 \(word)" : "\(count) \(word)s"
  }
}
