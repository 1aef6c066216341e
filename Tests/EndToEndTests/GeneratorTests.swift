import Foundation
import Testing

@Suite("The generator of a service without capabilities", .enabled(if: Executables.isRoot, "needs root"))
struct GeneratorTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Runs it where /etc/systemd/system, /run and the list of CPUs are a test's own, and gives what it says and then what it writes.
  ///
  /// - Parameters:
  ///   - present: the text of the kernel's list of CPUs; nil if there is no list.
  ///   - dropIns: the texts of the unit's drop-ins, by their paths.
  private func generate(
    version: String = "systemd 257 (257.9-1)", present: String? = "0-1", _ dropIns: [String: String]
  ) throws -> (exitCode: Int32, said: String, written: String) {
    let script = """
      set -e
      mkdir -p /etc/systemd/system
      mount -t tmpfs none /etc/systemd/system
      mount -t tmpfs none /run
      mount -t tmpfs none /sys/devices/system/cpu
      generator=$1 folder=$2
      [ ! -e "$folder/present" ] || cp "$folder/present" /sys/devices/system/cpu/
      cp -R "$folder/root/." /
      PATH=$folder:$PATH "$generator" "$folder/normal" "$folder/early" "$folder/late"
      """
    if let present { try Data((present + "\n").utf8).write(to: URL(filePath: folder.file("present"))) }
    try FileManager.default.createDirectory(atPath: folder.file("root"), withIntermediateDirectories: true)
    for (path, text) in dropIns {
      let url = URL(filePath: folder.file("root") + path)
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data((text + "\n").utf8).write(to: url)
    }
    let systemctl = folder.file("systemctl")
    try Data("#!/bin/sh\necho \"\(version)\"\n".utf8).write(to: URL(filePath: systemctl))
    guard chmod(systemctl, 0o755) == 0 else { throw TestFailure("cannot make \(systemctl)") }
    let generator = ProjectFiles.top.appending(path: "scripts/packaging/systemd/generator").path
    let (code, said) = try Child.run(["unshare", "-m", "sh", "-c", script, "sh", generator, folder.path])
    let file = folder.file("normal/pkg-watt-stat.service.d/registers.conf")
    return (code, said, (try? String(contentsOfFile: file, encoding: .utf8)) ?? "none")
  }

  private static let etc = "/etc/systemd/system/pkg-watt-stat.service.d"
  private static let run = "/run/systemd/system/pkg-watt-stat.service.d"
  private static let passed = "[Service]\nExecStart=\nExecStart=/usr/bin/pkg-watt-stat serve --source passed"
  private static let powercap = "[Service]\nExecStart=\nExecStart=/usr/bin/pkg-watt-stat serve --source powercap"

  private static func lines(_ cpus: [Int]) -> String {
    "[Service]\n" + cpus.map { "OpenFile=/dev/cpu/\($0)/msr:msr\($0):read-only,graceful\n" }.joined()
  }

  @Test(
    "tells systemd to pass the nodes of all CPUs, as each version of systemd understands it, and only if they are wanted",
    arguments: [
      ("systemd 253 (253-1)", "0-2,5", "ExecStart=/usr/bin/pkg-watt-stat serve --source passed", [0, 1, 2, 5]),
      ("systemd 257 (257.9-1)", "0", "ExecStart=/bin/sh -c 'true; exec pkg-watt-stat --source passed'", [0]),
      ("systemd 257 (257.9-1)", "0", "  ;ExecStart=/usr/bin/pkg-watt-stat serve --source passed", []),
      ("systemd 262~rc1 (262~rc1-2)", "0", "ExecStart=/usr/bin/pkg-watt-stat serve \\\n  --source=passed", [0]),
      ("systemd 257 (257.9-1)", "0", "ExecStart=/usr/bin/pkg-watt-stat serve --source\tpassed --seal", [0]),
      ("systemd 257 (257.9-1)", "0", "ExecStart=/usr/bin/pkg-watt-stat serve \"--source\" 'passed'", [0]),
      ("systemd 257 (257.9-1)", "0", "ExecStart=/usr/bin/pkg-watt-stat serve --source \\\n  passed", [0]),
      ("systemd 257 (257.9-1)", "0", "ExecStart=/usr/bin/other --source passed-on", []),
      ("systemd 257 (257.9-1)", "0", "# A comment \\\nExecStart=/usr/bin/pkg-watt-stat serve --source passed", [0]),
      ("systemd 257 (257.9-1)", "0", "ExecStart=/usr/bin/pkg-watt-stat serve \\\n# --source passed\n --seal", []),
      ("systemd 252 (252.39-1~deb12u2)", "0-3", "ExecStart=/usr/bin/pkg-watt-stat serve --source passed", nil),
      ("nonsense", "0-3", "ExecStart=/usr/bin/pkg-watt-stat serve --source passed", nil),
      ("systemd 257 (257.9-1)", "0-3", "ExecStart=/usr/bin/pkg-watt-stat serve --source msr", []),
      ("systemd 257 (257.9-1)", "0-3", "# ExecStart=/usr/bin/pkg-watt-stat serve --source passed", []),
      ("systemd 257 (257.9-1)", "0-3", "", []),
    ] as [(String, String, String, [Int]?)])
  func written(version: String, present: String, setting: String, cpus: [Int]?) throws {
    let dropIn = "[Service]\nExecStart=\n\(setting)"
    let result = try generate(version: version, present: present, ["\(Self.etc)/mine.conf": dropIn])
    let expected =
      switch cpus {
      case []?: "none"
      case let cpus?: Self.lines(cpus)
      case nil:
        "[Service]\nNotifyAccess=exec\nFileDescriptorStoreMax=4\nExecStartPre=+/usr/bin/pkg-watt-stat pass-registers\n"
      }
    #expect(result == (0, "", expected))
  }

  @Test(
    "a list of CPUs that is none gives one line that says so, and nothing for systemd",
    arguments: [
      "3-1", "0-", "", "0,0", "2,1", "0-3,2", "-1", "1,,2", "0-3 x", "+1", "1-2-3", "0-8192", "00", "a",
      "0-99999999999999999999", "0\n1", "0;reboot", "\u{1B}[2J0", nil,
    ] as [String?])
  func malformed(present: String?) throws {
    let result = try generate(present: present, ["\(Self.etc)/mine.conf": Self.passed])
    #expect(result.exitCode == 1 && result.written == "none")
    #expect(
      result.said.hasPrefix("pkg-watt-stat-generator: ") && result.said.contains("/sys/devices/system/cpu/present")
        && result.said.hasSuffix("so no register node is passed to pkg-watt-stat.service\n"))
    #expect(result.said.count { $0 == "\n" } == 1 && !result.said.contains("\u{1B}"), "\(result.said)")
  }

  @Test(
    "the largest list is read", arguments: [("0-8191", Array(0...8191)), ("0,2-3,8,8191", [0, 2, 3, 8, 8191])])
  func largest(present: String, cpus: [Int]) throws {
    let result = try generate(present: present, ["\(Self.etc)/mine.conf": Self.passed])
    #expect(result == (0, "", Self.lines(cpus)))
  }

  @Test(
    "what counts is the command that is left: a later drop-in may go back to another source, or one in /etc replace another",
    arguments: [
      (["\(etc)/a.conf": passed, "\(etc)/b.conf": powercap], []),
      (["\(etc)/a.conf": powercap, "\(etc)/b.conf": passed], [0, 1]),
      (["\(etc)/b.conf": passed, "\(run)/a.conf": powercap], [0, 1]),
      (["\(etc)/a.conf": passed, "\(run)/b.conf": powercap], []),
      (["\(etc)/a.conf": powercap, "\(run)/a.conf": passed], []),
      (["\(etc)/a.conf": passed, "\(run)/a.conf": powercap], [0, 1]),
      (["\(etc)/a.conf": passed, "\(etc)/b.conf": "[Service]\nRestartSec=5"], [0, 1]),
      (
        ["\(etc)/a.conf": "[Service]\n ExecStart = /usr/bin/pkg-watt-stat --source passed", "\(etc)/b.conf": powercap],
        []
      ),
      (["/etc/systemd/system/pkg-watt-stat.service": passed, "\(etc)/b.conf": powercap], []),
      (["/etc/systemd/system/pkg-watt-stat.service": passed, "\(etc)/b.conf": "[Unit]"], [0, 1]),
    ] as [([String: String], [Int])])
  func order(dropIns: [String: String], cpus: [Int]) throws {
    let result = try generate(dropIns)
    #expect(result == (0, "", cpus.isEmpty ? "none" : Self.lines(cpus)))
  }
}
