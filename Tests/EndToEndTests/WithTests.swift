import Foundation
import Testing

@Suite(
  "with", .serialized, .enabled(if: Executables.hasTree, Comment(rawValue: Executables.needsTree)))
struct WithTests {
  private static let ordinary = ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups"]

  /// Why an ordinary user may not have a user namespace here; nil if it may.
  private static let lack: String? = {
    let run = try? Child.run(ordinary + ["unshare", "-Um", "true"])
    return run?.exitCode == 0 ? nil : run?.output ?? "?"
  }()

  private func run(
    _ command: [String], service: Service, as user: [String] = ordinary
  ) throws -> (exitCode: Int32, output: String) {
    // Where that user may execute it.
    let run = try Child.run(user + [Executables.service, "with", "--socket", service.socket, "--"] + command)
    return (
      run.exitCode,
      run.output.replacing(
        "Warning: The service is simulated: all energy in the powercap tree is invented.\n", with: "")
    )
  }

  @Test(
    "shows the tree where the kernel's would be, to an ordinary user and to root",
    .enabled(if: lack == nil, "user namespaces are not allowed here"), arguments: [ordinary, []])
  func shows(user: [String]) throws {
    let service = try Service.simulated()
    let script = """
      id -u; cat /sys/class/powercap/intel-rapl:0/name && read E </sys/class/powercap/intel-rapl:0/energy_uj && [ $E -gt 0 ]
      cat /sys/devices/virtual/powercap/intel-rapl/intel-rapl:0/name || exit 9
      ls -d /sys/class/net/lo; cat /sys/class/net/lo/address; exit 3
      """
    let (code, output) = try run(["sh", "-c", script], service: service, as: user)
    #expect(code == 3)
    #expect(
      output == "\(user.isEmpty ? 0 : 1000)\npackage-0\npackage-0\n/sys/class/net/lo\n00:00:00:00:00:00\n", "\(output)")
  }

  @Test(
    "covers the kernel's own powercap at both of its places, for the command alone",
    .enabled(if: lack == nil, "user namespaces are not allowed here"))
  func covers() throws {
    let service = try Service.simulated()
    // This machine's kernel may have none, so one is made.
    let script = """
      set -e; mount -t tmpfs none /sys/class; mount -t tmpfs none /sys/devices/virtual
      N=/sys/class/powercap/intel-rapl:0/name; V=/sys/devices/virtual/powercap
      mkdir -p ${N%/name} $V; echo kernel >$N; echo kernel >$V/kernel
      \(Self.ordinary.joined(separator: " ")) "$0" with --socket $1 -- sh -c "
        cat $N; ls $V/kernel; cat $V/intel-rapl/intel-rapl:0/name /sys/class/powercap/intel-rapl/subsystem/intel-rapl:1/name"
      cat $N; ls $V
      """
    let (_, output) = try Child.run(["unshare", "-m", "bash", "-c", script, Executables.service, service.socket])
    let lines = output.split(separator: "\n").filter { !$0.hasPrefix("Warning: ") && !$0.contains("No such file") }
    #expect(lines == ["package-0", "package-0", "psys", "kernel", "kernel"], "\(output)")
  }

  @Test(
    "lets the command be itself: its process, exit code, signals and streams",
    .enabled(if: lack == nil, "user namespaces are not allowed here"))
  func itself() throws {
    let service = try Service.simulated()
    #expect(try run(["sh", "-c", "kill -9 $$"], service: service).exitCode == 137)
    #expect(try run(["sh", "-c", "kill -TERM $$"], service: service).exitCode == 143)
    #expect(try run(["/nowhere"], service: service).exitCode == 127)
    #expect(try run(["/tmp"], service: service).exitCode == 126)
    // Neither a child nor a descriptor that it has not made itself.
    let script = "read C </proc/$$/task/$$/children; echo \"children [$C]\"; exec ls /proc/self/fd"
    let (_, output) = try run(["sh", "-c", script], service: service)
    // The last is that of the folder that ls lists.
    #expect(output == "children []\n0\n1\n2\n3\n", "\(output)")
    let child = try Child(
      Self.ordinary + [Executables.service, "with", "--socket", service.socket, "--", "sleep", "60"])
    try wait(for: "the command") {
      (try? String(contentsOfFile: "/proc/\(child.pid)/comm", encoding: .utf8)) == "sleep\n"
    }
    child.send(SIGKILL)
    #expect(try child.exitCode() == 137)
  }

  @Test(
    "is measured by nobody: the service and the doctor know their own energy",
    .enabled(if: lack == nil, "user namespaces are not allowed here"))
  func own() throws {
    let service = try Service.simulated()
    let (_, refusal) = try run([Executables.service, "serve", "--check", "--source", "powercap"], service: service)
    #expect(refusal.contains("a powercap tree that pkg-watt-stat itself serves"), "\(refusal)")
    let (_, report) = try run([Executables.service, "doctor"], service: service)
    #expect(report.contains("pkg-watt-stat's own powercap tree here"), "\(report)")
    #expect(!report.contains("Every user may read") && !report.contains("nmount"), "\(report)")
  }

  @Test("leaves nothing behind", .enabled(if: lack == nil, "user namespaces are not allowed here"))
  func traceless() throws {
    let service = try Service.simulated()
    func servers() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.compactMap { process in
        guard let line = try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8) else { return nil }
        return line.contains("powercap-tree") && line.contains(service.socket) ? process : nil
      }
    }
    let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
    let child = try Child(
      Self.ordinary + [Executables.service, "with", "--socket", service.socket, "--", "sleep", "60"])
    try wait(for: "the server") { try !servers().isEmpty }
    #expect(try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8) == mounts)
    child.send(SIGKILL)
    _ = try child.exitCode()
    try wait(for: "the server to end") { try servers().isEmpty }
  }

  @Test("says in one sentence what is missing")
  func refusals() throws {
    let service = try Service.simulated()
    let none = try Child.run([Executables.service, "with", "--socket", "/nowhere", "--", "true"])
    #expect(none.exitCode == 125 && none.output.contains("No service answers at /nowhere"), "\(none.output)")
    // Built nowhere else, so it looks where packages put it.
    let script = """
      mount -t tmpfs none /usr/lib/pkg-watt-stat 2>/dev/null; mount -t tmpfs none /mnt; cp "$0" /mnt/pkg-watt-stat
      setpriv --reuid 1000 --regid 1000 --clear-groups /mnt/pkg-watt-stat with --socket $1 -- true; echo "code $?"
      """
    let missing = try Child.run(["unshare", "-m", "sh", "-c", script, Executables.service, service.socket])
    #expect(
      missing.output.contains("Install the package pkg-watt-stat-powercap") && missing.output.hasSuffix("code 125\n"),
      "\(missing.output)")
    // In a checkout without the tree's server.
    let checkout = """
      mount -t tmpfs none /usr/lib/pkg-watt-stat 2>/dev/null; mount -t tmpfs none /mnt
      mkdir -p /mnt/.build/x/debug; cp "$0" /mnt/.build/x/debug; /mnt/.build/x/debug/pkg-watt-stat with -- true; echo "code $?"
      """
    let unbuilt = try Child.run(["unshare", "-m", "sh", "-c", checkout, Executables.service])
    for words in [
      "scripts/setup --powercap", "scripts/packaging/powercap-tree", "pkg-watt-stat-powercap", "code 125\n",
    ] {
      #expect(unbuilt.output.contains(words), "\(unbuilt.output)")
    }
    // In a chroot the kernel gives nobody a user namespace (EPERM), as systems do that forbid them.
    let chroot = """
      mount --rbind / /mnt && chroot --userspec=1000:1000 /mnt "$0" with --socket $1 -- true; echo "code $?"
      """
    let forbidden = try Child.run(["unshare", "-m", "sh", "-c", chroot, Executables.service, service.socket])
    #expect(
      forbidden.output.contains("does not let ordinary users make namespaces")
        && forbidden.output.contains("sudo pkg-watt-stat powercap DIR") && forbidden.output.hasSuffix("code 125\n"),
      "\(forbidden.output)")
    let usage = try Child.run([Executables.service, "with", "true"])
    #expect(usage.exitCode == 64 && usage.output.contains("Put -- and the command"), "\(usage.output)")
  }
}
