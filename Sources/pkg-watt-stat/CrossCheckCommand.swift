internal import ArgumentParser
internal import CMSRShim
internal import Diagnosis
internal import Formatting
internal import PowerSources
internal import RAPL
internal import SystemCalls
internal import Turbostat

/// Compares our measurement with turbostat's, powercap's and perf's.
struct CrossCheckCommand: ParsableCommand {
  private static let domains = Set(PowerDomain.allCases)

  /// The programs and interfaces to compare with.
  enum ReferenceName: String, ExpressibleByArgument, CaseIterable {
    case turbostat
    case powercap
    case perf
  }

  static let configuration = CommandConfiguration(
    commandName: "cross-check",
    abstract:
      "Compare the watts of this machine's energy registers with those of turbostat, powercap and perf, over the same time.",
    discussion: """
      Needs root, as turbostat does. Exit codes: 0 they agree; 1 they disagree, or the result could not be written; 2 they \
      could not be compared; 64 wrong usage. The last line says which, and why. Ctrl-C ends the comparison early; \
      the result then covers what was compared so far.
      """)

  @Option(parsing: .unconditional, help: ArgumentHelp("How long to compare, in seconds.", valueName: "seconds"))
  var duration = 30.0

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Length of each compared window, in seconds (minimum 0.5).", valueName: "seconds"))
  var interval = 1.0

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How much the mean powers may differ, in percent.", valueName: "percent"))
  var tolerance = 1.0

  @Option(
    help: ArgumentHelp(
      "Compare with this only: turbostat, powercap or perf (the kernel's energy events). May be repeated. Default: all that this machine has.",
      valueName: "name"))
  var reference: [ReferenceName] = []

  @Flag(help: "Print one JSON object.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Read dev/cpu, sys and proc/cpuinfo of this folder instead of the machine's own.", valueName: "dir"))
  var root: String?

  @Option(
    help: ArgumentHelp(
      "The turbostat to run. Default: the first one in PATH and the system's folders.", valueName: "path"))
  var turbostat: String?

  func validate() throws {
    guard interval >= 0.5, interval <= 60 else { throw ValidationError("--interval must be from 0.5 to 60 seconds.") }
    guard duration >= 2 * interval, duration <= 86_400 else {
      let least = Numbers.plain(2 * interval, places: 3)
      throw ValidationError("--duration must be at least two intervals (\(least) s) and at most 86400 s.")
    }
    guard tolerance > 0, tolerance <= 100 else {
      throw ValidationError("--tolerance must be more than 0 and at most 100 percent.")
    }
    if root == "" { throw ValidationError("--root needs the path of a folder.") }
  }

  func run() throws {
    let result: CrossCheckResult
    do {
      result = CrossCheckResult(reports: try compare())
    } catch {
      result = CrossCheckResult(reason: sentences(error))
    }
    try StandardOutput.write((json ? result.json : result.text) + "\n")
    if result.verdict.exitCode != 0 { throw ExitCode(result.verdict.exitCode) }
  }

  private func compare() throws -> [CrossCheckReport] {
    let source = try EnergySources.msr(root: root, domains: Self.domains)
    let references = try self.references()
    let names = references.map { reference in
      let options = (reference as? TurbostatReference)?.options ?? []
      return ([reference.name] + options).joined(separator: " ")
    }.joined(separator: " and ")
    let progress = ProgressLine()
    progress.say("Comparing with \(names) for \(Numbers.fixed(duration, places: 0)) s: \(source.summary).")
    var check = CrossCheck(
      source, against: references, durationSeconds: duration, intervalSeconds: interval, tolerancePercent: tolerance)
    defer { progress.end() }
    return check.run(interrupt: cmsr_interrupt_descriptor()) { latest in
      progress.show(latest)
    }
  }

  /// The references that were asked for, all of them; otherwise all that this machine has, at least one.
  private func references() throws -> [any Reference] {
    if !reference.isEmpty { return try reference.map(open) }
    var found: [any Reference] = []
    var errors: [String] = []
    for name in ReferenceName.allCases {
      do {
        found.append(try open(name))
      } catch {
        errors.append(sentences(error))
      }
    }
    if found.isEmpty { throw NoReference(errors: errors) }
    return found
  }

  /// What failed, why, and what to do on this machine.
  private func sentences(_ error: any Error) -> String {
    (error as? SourceError)?.sentences(Circumstances(of: root)) ?? "\(error)"
  }

  private func open(_ name: ReferenceName) throws -> any Reference {
    switch name {
    case .turbostat:
      return TurbostatReference(executable: try TurbostatExecutable.choose(turbostat), intervalSeconds: interval)
    case .powercap:
      return SourceReference(
        try EnergySources.powercap(root: root, domains: Self.domains), name: name.rawValue,
        reads: "the kernel's energy zones", intervalSeconds: interval)
    case .perf:
      if let root {
        throw NoReference(errors: ["The folder of --root (\(root.harmless)) has no energy events (perf)."])
      }
      return SourceReference(
        try EnergySources.perf(domains: Self.domains), name: name.rawValue, reads: "the kernel's energy events",
        intervalSeconds: interval)
    }
  }
}

/// There is nothing to compare with.
struct NoReference: Error, CustomStringConvertible {
  let errors: [String]

  var description: String { errors.joined(separator: " ") }
}
