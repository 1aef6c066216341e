import Foundation
import PowerSources
import TestSupport
import Testing

@testable import Diagnosis

@Suite("The doctor", .namesTrials)
struct DoctorTests {
  private static let snapshots = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Snapshots")

  /// Expects what was found before; WRITE_SNAPSHOTS=1 writes it down anew, to be read before it is committed.
  @Test("tells each machine what it told it before")
  func snapshot() async { await atOnce(Machines.all, most: 6, snapshot) }

  private func snapshot(machine: ComposedMachine) throws {
    // The trace only stands for counters that move.
    let report = try machine.withRoot { Doctor.examine(try Machine(root: $0)) }
    let findings = report.findings.filter { $0.topic != .trace }
    let text = DoctorReport(findings: findings, measuredBy: report.measuredBy).text + "\n"
    let file = Self.snapshots.appending(path: "\(machine.testDescription).txt")
    if ProcessInfo.processInfo.environment["WRITE_SNAPSHOTS"] == "1" {
      try FileManager.default.createDirectory(at: Self.snapshots, withIntermediateDirectories: true)
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try text == String(contentsOf: file, encoding: .utf8))
  }

  @Test("calls a machine measurable when it is, and names the failure and its fix when it is not")
  func verdict() async { await atOnce(Machines.all, most: 6, verdict) }

  private func verdict(machine: ComposedMachine) throws {
    var told: [Finding] = []
    let report = try machine.withRoot { Doctor.examine(try Machine(root: $0)) { told.append($0) } }
    #expect(told == report.findings)
    let isMeasurable = Machines.measurable.contains { $0.testDescription == machine.testDescription }
    #expect(report.exitCode == (isMeasurable ? 0 : 1))
    let failures = report.findings.filter { $0.level == .failure }
    #expect(failures.isEmpty == isMeasurable)
    #expect(failures.allSatisfy { $0.fix != nil })
    #expect(report.text.split(separator: "\n").last.map(String.init) == report.summary)
  }

  @Test("tells what is to be done once, and a container nothing that helps only a CPU with energy registers")
  func remedies() throws {
    for machine in Machines.all {
      let report = try machine.withRoot { Doctor.examine(try Machine(root: $0)) }
      let remedies = report.text.split(separator: "\n").filter { $0.contains("To do: ") }
      #expect(Set(remedies).count == remedies.count, "\(report.text)")
      for fix in report.findings.compactMap(\.fix) {
        #expect(remedies.contains { $0.hasSuffix("To do: \(fix)") }, "\(fix)\n\(report.text)")
      }
      guard machine.testDescription == "container-in-a-virtual-machine-that-announces-nothing" else { continue }
      #expect(remedies.count == 1 && remedies.first?.hasSuffix("To do: measure on the physical machine.") == true)
    }
  }

  @Test("comes to the same as the service on each machine, and the service says why not")
  func service() async { await atOnce(Machines.all, most: 6, service) }

  private func service(machine: ComposedMachine) throws {
    try machine.withRoot { root in
      let report = Doctor.examine(try Machine(root: root))
      do {
        _ = try EnergySources.firstThatMeasures(root: root)
        #expect(report.exitCode == 0, "\(report.text)")
      } catch {
        #expect(report.exitCode == 1, "\(error)")
      }
    }
  }

  @Test(
    "the service says what hides the counters, and what to give",
    arguments: [
      (
        "kubernetes-that-masks-powercap",
        ["This container (Kubernetes) hides", "--device /dev/cpu/0/msr --device /dev/cpu/2/msr --cap-add SYS_RAWIO"]
      ),
      (
        "masked-powercap-of-an-unknown-container",
        ["This container (of an unknown kind) hides", "--device /dev/cpu/0/msr --cap-add"]
      ),
      ("root-of-a-user-namespace", ["root only in a user namespace"]),
      ("root-of-a-user-namespace-of-its-own", ["root only in a user namespace"]),
      ("westmere-ex-whose-registers-fault", ["older than RAPL"]), ("no-vendor", ["unknown CPU"]),
      ("pentium-4-in-a-virtual-machine-without-its-flag", ["older than RAPL"]),
    ])
  func sentences(name: String, words: [String]) throws {
    let machine = try #require(Machines.all.first { $0.testDescription == name })
    try machine.withRoot { root in
      let error = #expect(throws: NothingToMeasure.self) { try EnergySources.firstThatMeasures(root: root) }
      let text = error.map { "\($0)" } ?? ""
      for word in words { #expect(text.contains(word), "\(text)") }
      #expect(!text.contains("modprobe") && !text.contains("run as root (sudo)"), "\(text)")
    }
  }

  @Test(
    "powercap alone has the same cause as the doctor on a CPU that announces no RAPL, and no advice that cannot help")
  func powercapAlone() throws {
    let name = "container-in-a-virtual-machine-that-announces-nothing"
    let machine = try #require(Machines.all.first { $0.testDescription == name })
    try machine.withRoot { root in
      let error = try #require(#expect(throws: SourceError.self) { try EnergySources.powercap(root: root) })
      let text = "\(NothingToMeasure(powercap: error, root: root))"
      #expect(text.contains("does not announce RAPL") && !text.contains("--device"), "\(text)")
      #expect(text.contains("To do: measure on the physical machine.\n"), "\(text)")
    }
  }

  @Test("a captured machine, captured again, tells the same", arguments: Machines.all)
  func replay(machine: ComposedMachine) throws {
    try machine.withRoot { root in
      let first = try Machine(root: root)
      let told = Doctor.examine(first)
      let copy = root + "-copy"
      defer { try? FileManager.default.removeItem(atPath: copy) }
      try first.capture(in: copy)
      #expect(Doctor.examine(try Machine(root: copy)) == told)
    }
  }

  @Test("all zones that every user may read are to be closed, and none is to be opened")
  func openZones() throws {
    let machine = ComposedMachine.intel("open", model: 0x55, packages: 2).zone("intel-rapl:0", "package-0", mode: 0o444)
      .zone("intel-rapl:1", "package-1", mode: 0o444).zone("intel-rapl:0:0", "dram", mode: 0o400)
    let report = try machine.withRoot { Doctor.examine(try Machine(root: $0)) }
    let fixes = report.findings.compactMap(\.fix).filter { $0.contains("chmod") }
    let zones = [0, 1].map { "/sys/class/powercap/intel-rapl:\($0)/energy_uj" }.joined(separator: " ")
    #expect(
      fixes == ["sudo chmod o-r \(zones), and start monitors that read it so: pkg-watt-stat with -- COMMAND"],
      "\(report.text)")
  }

  @Test("names the rules that open energy_uj, and no comment, no other file and none of the service's own")
  func openers() throws {
    let root = NSTemporaryDirectory() + "pkg-watt-stat-rules-\(UInt64.random(in: 0...UInt64.max))"
    defer { try? FileManager.default.removeItem(atPath: root) }
    let rule = #"SUBSYSTEM=="powercap", ACTION=="add", RUN+="/bin/chmod -R a+r /sys%p""#
    for (path, text) in [
      ("etc/udev/rules.d/99-rapl.rules", "# Watts\n\(rule)\n"),
      ("etc/udev/rules.d/61-pkg-watt-stat.rules", rule),
      ("etc/udev/rules.d/70-comment.rules", " # energy_uj\n#\(rule)\n"),
      ("usr/lib/udev/rules.d/70-limits.rules", #"SUBSYSTEM=="powercap", ACTION=="add", TAG+="limits""#),
      ("usr/lib/tmpfiles.d/rapl.conf", "z /sys/class/powercap/intel-rapl:0/energy_uj 0444 - - -\n"),
      ("usr/lib/tmpfiles.d/other.conf", "d /run/other\n"),
      // Those that close it must stay.
      ("usr/lib/tmpfiles.d/closed.conf", "z /sys/class/powercap/intel-rapl:0/energy_uj 0400 root root - -\n"),
      ("etc/udev/rules.d/71-closed.rules", #"SUBSYSTEM=="powercap", RUN+="/bin/chmod go-r /sys%p/energy_uj""#),
      ("etc/udev/rules.d/72-group.rules", #"SUBSYSTEM=="powercap", RUN+="/bin/chmod -R g=r,o= /sys%p""#),
      // As some editors end lines.
      ("etc/udev/rules.d/98-lines.rules", "# Watts\r\n\(rule)\r\n"),
      ("run/tmpfiles.d/both.conf", "z /sys/energy_uj 0400\r\nz /sys/class/powercap/*/energy_uj 0644\r\n"),
    ] {
      let url = URL(filePath: "\(root)/\(path)")
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }
    let found = [
      "etc/udev/rules.d/98-lines.rules", "etc/udev/rules.d/99-rapl.rules", "run/tmpfiles.d/both.conf",
      "usr/lib/tmpfiles.d/rapl.conf",
    ]
    #expect(ZoneOpeners.files(root: root) == found.map { "\(root)/\($0)" })
  }

  @Test("names the programs in PATH that read powercap, each once, and no file that cannot be executed")
  func readers() throws {
    let folder = NSTemporaryDirectory() + "pkg-watt-stat-path-\(UInt64.random(in: 0...UInt64.max))"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (path, mode) in [
      ("a/s-tui", 0o755), ("b/s-tui", 0o755), ("b/btop", 0o755), ("a/mangohud", 0o644), ("a/ls", 0o755),
    ] {
      let url = URL(filePath: "\(folder)/\(path)")
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data().write(to: url)
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: url.path)
    }
    #expect(PowercapReaders.installed(in: "\(folder)/a:/nowhere:b::\(folder)/b") == ["btop", "s-tui"])
  }

  @Test("inside of a tree of the service's own it asks nobody to unmount it, unless that is all that could measure")
  func ownTree() throws {
    let zone = ComposedMachine.intel("own", model: 0x9E).zone("intel-rapl:0", "package-0", mode: 0o444)
      .answer("own tree sys/class/powercap/intel-rapl:0/energy_uj", "yes")
    let without = try zone.withoutRights.withRoot { Doctor.examine(try Machine(root: $0)) }
    #expect(without.text.contains("own powercap tree here") && !without.text.contains("nmount"), "\(without.text)")
    #expect(!without.text.contains("leaks secrets") && without.exitCode == 1, "\(without.text)")
    // A CPU that has no registers: it has to be said why its zones do not count.
    let only = ComposedMachine(
      "only", cpuinfo: ComposedMachine.cpuinfo("GenuineIntel", family: 19, model: 1, name: "Intel(R) Test CPU"))
    let alone = try only.zone("intel-rapl:0", "package-0", mode: 0o444)
      .answer("own tree sys/class/powercap/intel-rapl:0/energy_uj", "yes")
      .withRoot { Doctor.examine(try Machine(root: $0)) }
    #expect(alone.exitCode == 1 && alone.findings.contains { $0.level == .failure }, "\(alone.text)")
  }

  @Test("its JSON says what its text says")
  func json() throws {
    let report = try Machines.measurable[0].withRoot { Doctor.examine(try Machine(root: $0)) }
    let json = try #require(try JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? [String: Any])
    #expect(json["measurable"] as? Bool == true)
    #expect(json["measured_by"] as? [String] == ["its msr registers", "powercap"])
    #expect((json["findings"] as? [[String: Any]])?.count == report.findings.count)
    #expect(json["summary"] as? String == report.summary)
  }

  @Test("what a machine's files say cannot steer the terminal, and letters stay")
  func escapes() {
    let evil = Finding(level: .ok, topic: .cpu, text: "höhe \u{1B}[2J\u{9B}31m\u{202E}\n", fix: "a\u{7}\r\u{2028}b")
    let report = DoctorReport(findings: [evil], measuredBy: [])
    #expect(
      report.text.hasPrefix("ok       CPU              höhe ?[2J?31m??\n                          To do: a???b\n"),
      "\(report.text)")
    let result = CrossCheckResult(reason: "\u{1B}[2J\n")
    #expect(result.text.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "\(result.text)")
  }
}
