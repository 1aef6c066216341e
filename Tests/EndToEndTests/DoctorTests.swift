import Foundation
import TestSupport
import Testing

@Suite("The doctor", .namesTrials)
struct DoctorTests {
  private func doctor(_ arguments: [String]) throws -> (exitCode: Int32, output: String) {
    try Child.run([Executables.service, "doctor"] + arguments)
  }

  @Test("comes to the same as the service, on this machine")
  func thisMachine() throws {
    let check = try Child.run([Executables.service, "serve", "--check"])
    let (exitCode, output) = try doctor([])
    #expect(exitCode == check.exitCode, "\(output)\n\(check.output)")
    #expect(output.contains(exitCode == 0 ? "This machine can be measured" : "This machine cannot be measured"))
  }

  @Test(
    "comes to the same as the service on a device, sound or faulty",
    .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
  func device() async {
    let all: [([String], String?, Bool)] = [
      ([], nil, true), (["--cpuinfo", "amd"], nil, true), (["--units", "0"], nil, true), ([], "freeze 1 on", false),
      ([], "zero 0 on", false), ([], "eio 0 on", false), ([], "enxio 0 on", true),
    ]
    await atOnce(all) { try device(options: $0.0, fault: $0.1, isMeasurable: $0.2) }
  }

  private func device(options: [String], fault: String?, isMeasurable: Bool) throws {
    let device = try Device(["--watts", "20", "--watts", "20"] + options)
    if let fault { try device.control(fault) }
    let (exitCode, output) = try doctor(["--root", device.root.path])
    let check = try Child.run([Executables.service, "serve", "--check", "--root", device.root.path])
    #expect(exitCode == (isMeasurable ? 0 : 1), "\(output)")
    #expect(check.exitCode == exitCode, "\(check.output)")
  }

  private static func saved(in folder: String) -> String {
    "Saved a capture of this machine to \(folder). To examine it: pkg-watt-stat doctor --root \(folder)\n\n"
  }

  @Test(
    "tells what it has found while it still looks, also into a pipe",
    .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
  func early() throws {
    // It takes seconds to see that two counters stand still.
    let device = try Device(["--watts", "20"])
    try device.control("freeze 0 on")
    let child = try Child([Executables.service, "doctor", "--root", device.root.path])
    try wait(for: "the first findings") { child.output.contains("The msr nodes of CPUs 0-1 can be opened.") }
    #expect(child.isRunning && !child.output.contains("does not move"), "\(child.output)")
    #expect(try child.exitCode() == 1)
    #expect(child.output.contains("does not move"), "\(child.output)")
  }

  @Test(
    "a captured device is found as it was, after it has gone",
    .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
  func capture() throws {
    let folder = try TemporaryFolder()
    let capture = folder.file("captured")
    let told = try withExtendedLifetime(try Device(["--watts", "20", "--watts", "20"])) { device in
      try doctor(["--root", device.root.path, "--capture", capture])
    }
    #expect(told.exitCode == 0 && told.output.contains("its msr registers and by powercap"))
    let replayed = try doctor(["--root", capture])
    let saved = Self.saved(in: capture)
    let lines = replayed.output.split(separator: "\n", omittingEmptySubsequences: false)
    let (trace, others) = (
      lines.filter { $0.contains(" has no trace, ") }, lines.filter { !$0.contains(" has no trace, ") }
    )
    #expect(others.joined(separator: "\n") == told.output.replacing(saved, with: "") && trace.count == 1)
    #expect(told.output.contains(saved) && replayed.exitCode == 0)
    let served = try Child.run([Executables.service, "serve", "--root", capture, "--socket", folder.file("s")])
    #expect(served.exitCode == 1 && served.output.contains("This capture has no trace"), "\(served.output)")
    #expect(try doctor(["--root", capture, "--capture", capture]).output.contains("not an empty folder"))
  }

  @Test(
    "a traced device is served and explained as it moved, after it has gone, and only its owner may read that",
    .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
  func trace() async throws {
    let folder = try TemporaryFolder()
    let capture = folder.file("captured")
    let arguments = ["--capture", capture, "--trace"]
    let told = try withExtendedLifetime(try Device(["--watts", "20", "--watts", "12"])) { device in
      try Child.run([Executables.service, "doctor", "--root", device.root.path] + arguments, seconds: 90)
    }
    #expect(told.exitCode == 0 && told.output.contains("can reveal what runs"), "\(told.output)")
    for name in ["capture/trace", "capture/registers", "proc/cpuinfo"] {
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(capture)/\(name)")
      #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
    }
    let replayed = try doctor(["--root", capture])
    #expect(
      replayed.exitCode == 0 && told.output.replacing(Self.saved(in: capture), with: "").hasSuffix(replayed.output),
      "\(replayed.output)")
    #expect(replayed.output.contains("CPU 0's register 0x611 moves every "), "\(replayed.output)")
    await atOnce(["msr", "powercap"]) { source in
      let service = try Service(["--source", source, "--root", capture])
      let client = try service.client()
      _ = try client.reading()
      let readings = try (0..<3).map { _ in try client.reading() }
      #expect(readings.allSatisfy { $0.status == "simulated" })
      // The one in the middle: another may have been interrupted.
      let watts = readings.map(\.power_watts).sorted()[1]
      #expect(abs(watts - 32) < 1.6, "\(readings)")
    }
    // Nobody is told to stop work for what is refused, and nothing is left behind.
    let again = try doctor(["--root", capture] + ["--capture", folder.file("again"), "--trace"])
    #expect(
      again.output.contains("cannot record a captured machine") && !again.output.contains("can reveal what runs"),
      "\(again.output)")
    #expect(!FileManager.default.fileExists(atPath: folder.file("again")))
    #expect(try doctor(["--root", capture, "--capture", capture]).output.contains("not an empty folder"))
  }

  @Test("a trace is root's only, and needs a place")
  func traceRefusals() throws {
    let folder = try TemporaryFolder()
    #expect(try doctor(["--trace"]).exitCode == 64)
    #expect(try doctor(["--trace", "--capture", ""]).exitCode == 64)
    guard Executables.isRoot else { return }
    let nobody = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]
    let (exitCode, output) = try Child.run(
      nobody + [Executables.service, "doctor", "--trace", "--capture", folder.file("x")])
    #expect(exitCode == 1 && output.contains("Only root"), "\(output)")
    #expect(!FileManager.default.fileExists(atPath: folder.file("x")))
  }

  @Test(
    "counts a service at both paths once, and two services twice", .enabled(if: Executables.isRoot, "needs root"),
    arguments: [[""], ["--socket /run/pkg-watt-stat/pkg-watt-stat.sock", "--socket /tmp/pkg-watt-stat.sock"]])
  func services(options: [String]) throws {
    let start = options.enumerated().map { number, option in
      """
      : >/tmp/log\(number)
      "$0" --source simulated --user root \(option) >>/tmp/log\(number) 2>&1 &
      S="$S $!"; until grep -q Ready /tmp/log\(number); do kill -0 $!; sleep 0.05; done
      """
    }
    let script = """
      set -e; mount -t tmpfs -o mode=755 none /run; mount -t tmpfs -o mode=1777 none /tmp
      mkdir /run/pkg-watt-stat; trap 'kill $S; wait' EXIT
      \(start.joined(separator: "\n"))
      "$0" doctor || :
      """
    let (_, output) = try Child.run(["unshare", "-m", "bash", "-c", script, Executables.service], seconds: 30)
    let said = output.split(separator: "\n").filter {
      $0.contains("The service ") && $0.contains(" W (invented), status simulated.")
    }
    #expect(said.count == options.count, "\(output)")
  }

  @Test("a path that is not UTF-8 is refused, and nothing is written to another one")
  func otherBytes() throws {
    let folder = try TemporaryFolder()
    let shell = #"exec "$0" doctor --root / --capture "$(printf '%s/h\366he' "$1")""#
    let (exitCode, output) = try Child.run(["sh", "-c", shell, Executables.service, folder.path])
    #expect(exitCode == 64 && output.contains("is not valid UTF-8"), "\(output)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy { $0 == "output" })
  }

  @Test("nothing outside of the folder is read or copied, wherever its links lead; links inside of it are followed")
  func links() throws {
    let folder = try TemporaryFolder()
    let (secret, root) = (folder.file("secret"), folder.file("machine"))
    for name in ["proc", "sys/devices/system/cpu/cpu0", "sys/class/dmi", "dev/cpu/0", "real/topology"] {
      try FileManager.default.createDirectory(atPath: "\(root)/\(name)", withIntermediateDirectories: true)
    }
    try FileManager.default.createDirectory(atPath: secret, withIntermediateDirectories: false)
    for name in ["shadow", "sys_vendor", "energy_uj"] {
      try "1234567\n".write(toFile: "\(secret)/\(name)", atomically: false, encoding: .utf8)
    }
    let texts = [
      ("proc/cpuinfo", "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 158\n"),
      ("sys/devices/system/cpu/online", "0\n"), ("real/topology/physical_package_id", "0\n"),
    ]
    for (name, text) in texts { try text.write(toFile: "\(root)/\(name)", atomically: false, encoding: .utf8) }
    for (name, target) in [
      // As the kernel's own links are, and as one that is meant for /.
      ("sys/devices/system/cpu/cpu0/topology", "../../../../../real/topology"),
      ("sys/devices/system/cpu/possible", "/sys/devices/system/cpu/online"),
      ("real/topology/die_cpus", "\(secret)/shadow"), ("real/topology/package_cpus", "../../../secret/shadow"),
      ("sys/class/dmi/id", secret), ("dev/cpu/0/msr", "\(secret)/shadow"),
      ("sys/class/powercap", secret), ("sys/devices/system/cpu/present", "/proc/self/root\(secret)/shadow"),
    ] { symlink(target, "\(root)/\(name)") }
    let capture = folder.file("captured")
    let (_, output) = try doctor(["--root", root, "--capture", capture])
    let copied = try Child.run(["grep", "-r", "1234567", capture])
    #expect(copied.exitCode == 1, "\(copied.output)")
    #expect(output.contains("package 0 (CPU 0)") && !output.contains("1234567"), "\(output)")
    for name in ["cpu0/topology/physical_package_id", "possible"] {
      #expect(try String(contentsOfFile: "\(capture)/sys/devices/system/cpu/\(name)", encoding: .utf8) == "0\n")
    }
    let check = try Child.run([Executables.service, "serve", "--check", "--root", root])
    #expect(check.exitCode == 1 && check.output.contains("/dev/cpu/0/msr: No such file"), "\(check.output)")
  }

  @Test("comes to the same as the service on a trace that lacks domains")
  func traceWithoutDomains() throws {
    let folder = try TemporaryFolder()
    let runs = (0..<5000).map { "\($0)000000 \($0)999999 10 0x\(String(100 + $0, radix: 16))\n" }
    let topology = "sys/devices/system/cpu/cpu0/topology"
    for (name, text) in [
      ("proc/cpuinfo", "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 158\n"),
      ("sys/devices/system/cpu/online", "0\n"), ("\(topology)/physical_package_id", "0\n"),
      ("capture/errors", ""), ("capture/permissions", ""), ("capture/answers", ""),
      ("capture/registers", "0 0x606 0xA0E03\n0 0x611 0x1 0x2\n"),
      ("capture/trace", "trace 1\nclocks 1 2 3\nregister 0 0x611\n\(runs.joined())end 5000000000\n"),
    ] {
      let url = URL(filePath: folder.file(name))
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: url, atomically: false, encoding: .utf8)
    }
    let told = try doctor(["--root", folder.path])
    let check = try Child.run([Executables.service, "serve", "--check", "--root", folder.path])
    #expect(told.exitCode == 0 && check.exitCode == 0, "\(told.output)\n\(check.output)")
  }

  @Test("saves its capture also if nobody reads what it says")
  func captureWithoutReader() throws {
    let folder = try TemporaryFolder()
    for (name, output) in [("full", ">/dev/full"), ("gone", "| true")] {
      let capture = folder.file(name)
      _ = try Child.run([
        "bash", "-c", "$0 doctor --capture $1 \(output)", Executables.service, capture,
      ])
      let told = try doctor(["--root", capture])
      #expect(told.output.contains("This machine can"), "\(told.output)")
    }
  }

  @Test("a broken capture and wrong usage are refused")
  func refusals() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.file("capture"), withIntermediateDirectories: false)
    try "junk\n".write(toFile: folder.file("capture/errors"), atomically: false, encoding: .utf8)
    let broken = try doctor(["--root", folder.path])
    #expect(broken.exitCode == 1 && broken.output.contains("contains an invalid line (junk)"))
    let file = try doctor(["--root", folder.file("capture/errors")])
    #expect(file.exitCode == 1 && file.output.contains("proc/cpuinfo: Not a directory"), "\(file.output)")
    #expect(try doctor(["--root", ""]).exitCode == 64)
  }
}
