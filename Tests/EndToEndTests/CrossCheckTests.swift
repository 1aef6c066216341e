import Foundation
import TestSupport
import Testing

@Suite(
  "A cross-check", .namesTrials, .serialized,
  .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
struct CrossCheckTests {
  private struct Result: Decodable {
    struct Report: Decodable {
      struct Row: Decodable {
        let domain: String
        let windows: Int
        let ours_watts: Double
        let difference_percent: Double
        let constant_ratio: Double?
      }
      let reference: String
      let reads: String
      let apart_milliseconds: Double
      let comparisons: [Row]
    }
    let verdict: String
    let sentence: String
    let reports: [Report]
  }

  /// Runs it, and takes its JSON.
  private func run(_ arguments: [String], namespace: [String] = [], duration: Int = 3) throws -> (Int32, Result) {
    let command = namespace + [Executables.service, "cross-check", "--json", "--duration", "\(duration)"] + arguments
    let (exitCode, output) = try Child.run(command, seconds: Double(duration) + 20)
    let line = output.split(separator: "\n").first { $0.hasPrefix("{") } ?? ""
    return (exitCode, try JSONDecoder().decode(Result.self, from: Data(line.utf8)))
  }

  @Test(
    "the real turbostat agrees within 1 % at varying load, and so does powercap",
    .enabled(if: RealTurbostat.isThere, Comment(rawValue: RealTurbostat.need)))
  func agreement() throws {
    let real = try RealTurbostat(device: ["--load", "desktop", "--watts", "1", "--watts", "1"])
    let (exitCode, result) = try run(
      ["--root", real.device.root.path, "--turbostat", real.path], namespace: real.namespace, duration: 6)
    #expect(exitCode == 0, "\(result.sentence)")
    #expect(result.sentence.hasPrefix("Agree: ") && result.verdict == "agree")
    #expect(result.reports.map(\.reference) == ["turbostat", "powercap"])
    for report in result.reports {
      // Two packages, a domain or more of each, and the sum.
      #expect(report.comparisons.count >= 5 && report.comparisons.allSatisfy { $0.windows >= 5 })
      #expect(report.comparisons.allSatisfy { abs($0.difference_percent) < 1 && $0.ours_watts > 0 })
      // We read every 20 ms.
      #expect(report.apart_milliseconds < 100)
    }
  }

  @Test(
    "a unit register that differs by a factor 4 is told by the ratio",
    .enabled(if: RealTurbostat.isThere, Comment(rawValue: RealTurbostat.need)))
  func unitRegister() throws {
    let real = try RealTurbostat(device: ["--watts", "20", "--watts", "20"])
    let other = try Device(["--watts", "20", "--watts", "20", "--units", "0xA1003"])
    let (exitCode, result) = try run(
      ["--root", other.root.path, "--turbostat", real.path, "--reference", "turbostat"], namespace: real.namespace)
    #expect(exitCode == 1 && result.verdict == "disagree")
    #expect(
      result.sentence.contains("a constant ratio of 0.25, likely the energy unit"), "\(result.sentence)")
    #expect(result.sentence.contains("0x606"))
  }

  @Test(
    "a machine that turbostat takes for another model is told by its DRAM",
    .enabled(if: RealTurbostat.isThere, Comment(rawValue: RealTurbostat.need)))
  func model() throws {
    let real = try RealTurbostat(
      cpu: "GenuineIntel:6:0x55", device: ["--watts", "20", "--watts", "20", "--cpuinfo", "spr"])
    let (exitCode, result) = try run(
      ["--root", real.device.root.path, "--turbostat", real.path, "--reference", "turbostat"], namespace: real.namespace
    )
    #expect(exitCode == 1)
    #expect(
      result.sentence.contains("package 0 DRAM")
        && result.sentence.contains("the DRAM unit, which differs by a factor of 4"))
    let rows = try #require(result.reports.first?.comparisons)
    #expect(rows.filter { $0.domain == "package" }.allSatisfy { abs($0.difference_percent) < 1 }, "\(rows)")
    // On a busy machine a window of turbostat's may be off by more than a constant ratio is.
    let memory = rows.filter { $0.domain == "dram" }
    let ratios = memory.compactMap(\.constant_ratio)
    #expect(!ratios.isEmpty && ratios.allSatisfy { abs($0 - 4) < 0.1 }, "\(rows)")
    #expect(memory.count == 2 && memory.allSatisfy { abs($0.difference_percent - 300) < 20 }, "\(rows)")
  }

  @Test(
    "counters that a hypervisor moves once a second are compared too, with powercap and with turbostat",
    .enabled(if: RealTurbostat.isThere, Comment(rawValue: RealTurbostat.need)))
  func steps() throws {
    let real = try RealTurbostat(
      device: ["--watts", "12.5", "--watts", "20", "--update-period-us", "1020000"])
    var result = try steps(real)
    // On a busy machine turbostat may read a step late: one of ten is more than the tolerance. Not again and again.
    for _ in 0..<2 where result.verdict != "agree" { result = try steps(real) }
    #expect(result.verdict == "agree", "\(result.sentence)")
    #expect(result.reports.map(\.reference) == ["turbostat", "powercap"])
    for report in result.reports {
      #expect(report.comparisons.contains { $0.domain == "package" && $0.windows >= 6 }, "\(report.comparisons)")
    }
  }

  private func steps(_ real: RealTurbostat) throws -> Result {
    try run(
      ["--root", real.device.root.path, "--turbostat", real.path, "--tolerance", "3"], namespace: real.namespace,
      duration: 10
    ).1
  }

  @Test("powercap alone agrees, or tells that the unit register lies")
  func powercap() async {
    await atOnce([("0xA0E03", 0), ("0xA0F03", 1)]) { try powercap(units: $0.0, expected: $0.1) }
  }

  private func powercap(units: String, expected: Int32) throws {
    let device = try Device(["--watts", "30", "--units", units])
    let (exitCode, result) = try run(["--root", device.root.path, "--reference", "powercap", "--interval", "0.5"])
    #expect(exitCode == expected, "\(result.sentence)")
    #expect(result.reports.first?.comparisons.map(\.domain) == ["package", "dram"])
  }

  @Test("what cannot be compared says why, in one sentence and exit code 2", arguments: [false, true])
  func nothing(json: Bool) throws {
    let device = try Device([])
    let (exitCode, output) = try Child.run(
      [
        Executables.service, "cross-check", "--root", device.root.path, "--turbostat", "/nowhere", "--reference",
        "turbostat",
      ]
        + (json ? ["--json"] : []))
    #expect(exitCode == 2)
    #expect(output.contains("Could not compare: /nowhere is not an executable program; install turbostat"), "\(output)")
  }

  @Test("a turbostat that could read perf is told to read the registers, and what it read is said")
  func reads() async {
    let turbostats = [
      ("  -i, --interval sec\n  -P, --no-perf", "the registers (--no-perf)"), ("  -i, --interval sec", "the registers"),
      ("", "the registers or the kernel's energy events, which is unknown because its --help does not tell"),
    ]
    await atOnce(turbostats) { try reads(help: $0.0, what: $0.1) }
  }

  private func reads(help: String, what: String) throws {
    let device = try Device([])
    let folder = try TemporaryFolder()
    let path = folder.file("turbostat")
    let script = """
      #!/bin/sh
      [ "$1" = --help ] && exec echo '\(help)'
      echo "$@" >>\(folder.file("arguments")); exit 7
      """
    _ = FileManager.default.createFile(
      atPath: path, contents: Data(script.utf8), attributes: [.posixPermissions: 0o755])
    let (_, result) = try run(
      ["--root", device.root.path, "--turbostat", path, "--reference", "turbostat"], duration: 1 + 1)
    #expect(result.reports.map(\.reads) == [what])
    let given = try String(contentsOfFile: folder.file("arguments"), encoding: .utf8)
    #expect(given.hasPrefix("--no-perf ") == help.contains("--no-perf"), "\(given)")
  }

  @Test("a turbostat that dies is quoted")
  func dying() throws {
    let device = try Device([])
    let folder = try TemporaryFolder()
    let path = folder.file("turbostat")
    _ = FileManager.default.createFile(
      atPath: path, contents: Data("#!/bin/sh\necho out of order >&2; exit 7\n".utf8),
      attributes: [.posixPermissions: 0o755])
    let (exitCode, result) = try run(
      ["--root", device.root.path, "--turbostat", path, "--reference", "turbostat"], duration: 1 + 1)
    #expect(exitCode == 2)
    #expect(result.sentence.contains("exit code 7"), "\(result.sentence)")
    #expect(result.sentence.components(separatedBy: "out of order").count == 2, "\(result.sentence)")
  }

  @Test("Ctrl-C, SIGTERM or the end of its terminal ends it early, with what was compared so far")
  func interrupted() async { await atOnce([SIGINT, SIGTERM, SIGHUP], interrupted) }

  private func interrupted(signal: Int32) throws {
    let device = try Device([])
    let child = try Child([
      Executables.service, "cross-check", "--root", device.root.path, "--reference", "powercap", "--duration", "600",
      "--interval", "0.5",
    ])
    try wait(seconds: 20, for: "ten windows") { child.output.contains("10 of 1200 windows") }
    child.send(signal)
    #expect(try child.exitCode() == 0)
    #expect(child.output.contains("Agree: "), "\(child.output)")
  }

  @Test(
    "wrong usage is refused",
    arguments: [
      ["--duration", "0"], ["--duration", "nan"], ["--interval", "0.1"], ["--interval", "5", "--duration", "8"],
      ["--tolerance", "0"], ["--reference", "likwid"], ["--root", ""],
    ])
  func usage(arguments: [String]) throws {
    #expect(try Child.run([Executables.service, "cross-check"] + arguments).exitCode == 64)
  }
}
