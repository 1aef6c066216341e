import Foundation
import TestSupport
import Testing

@Suite("A service that hangs", .namesTrials, .serialized)
struct HangingServiceTests {
  @Test("is told from one that has nothing new, and ends what reads its lines with a sentence")
  func hangs() async {
    await atOnce(["read --follow", "read --json --count 1000", "watch", "watch --interval 0.5"], hangs)
  }

  private func hangs(command: String) throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let words = command.split(separator: " ").map(String.init)
    let child = try Child([Executables.service] + words + ["--socket", service.socket])
    try wait(for: "a reading") { child.output.contains("\n") }
    service.child.send(SIGSTOP)
    #expect(try child.exitCode(seconds: 25) == 1)
    #expect(child.output.contains("Error: \(service.socket) gave no reading or answer for 5 s;"), "\(child.output)")
    service.child.send(SIGCONT)
  }

  @Test(
    "in a register is told by all that read it, and no longer reports to the watchdog",
    .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
  func hangsInRegister() async throws {
    let device = try Device(["--watts", "40"])
    let notifications = try NotificationSocket(device.root.file("notify"))
    let service = try Service(
      ["--root", device.root.path],
      wrapper: ["env", "NOTIFY_SOCKET=\(notifications.path)", "WATCHDOG_USEC=8000000"])
    let follower = try Child([Executables.service, "read", "--follow", "--socket", service.socket])
    try wait(for: "a reading") { follower.output.contains("\n") }
    device.child.send(SIGSTOP)
    defer { device.child.send(SIGCONT) }
    #expect(try follower.exitCode(seconds: 25) == 1)
    #expect(follower.output.contains("gave no reading or answer for 5 s;"), "\(follower.output)")
    let commands = ["read", "watch --once", "export --format csv", "export --format prometheus"]
    await atOnce(commands) { [socket = service.socket] command in
      let words = command.split(separator: " ").map(String.init)
      let (exitCode, output) = try Child.run([Executables.service] + words + ["--socket", socket])
      #expect(exitCode == 1 && output.contains("gave no reading or answer for 5 s; the service hangs"), "\(output)")
    }
    var reports = 0
    while let message = try? notifications.message(seconds: 0.1) { reports += message.contains("WATCHDOG=1") ? 1 : 0 }
    #expect(reports > 0)
    // A service that works reports every 2 s.
    #expect(throws: TestFailure.self) { try notifications.message(seconds: 3) }
  }

  @Test("is not what a service is that has a new reading once an hour")
  func slow() async { await atOnce(["read --follow", "watch"], slow) }

  private func slow(command: String) throws {
    let service = try Service.simulated(["--interval", "3600"])
    let words = command.split(separator: " ").map(String.init)
    let child = try Child([Executables.service] + words + ["--socket", service.socket])
    try wait(for: "a reading") { child.output.contains("\n") }
    // Asked once after 5 s, it would be given up after another 5.
    #expect(throws: TestFailure.self) { try child.exitCode(seconds: 12) }
    #expect(child.isRunning)
  }
}

@Suite("Where no service is", .serialized)
struct NoServiceTests {
  @Test("the script that starts one from this checkout is named, and it is there")
  func checkout() throws {
    let (code, output) = try Child.run([Executables.service, "read", "--socket", "/nonexistent/x"])
    #expect(code == 1)
    let script = try #require(
      output.firstMatch(of: #/start one there with: (.*/scripts/start) --socket /nonexistent/x\n/#))
    #expect(FileManager.default.isExecutableFile(atPath: String(script.output.1)))
    // A program that was installed has none.
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: Executables.service, toPath: folder.file("pkg-watt-stat"))
    let (_, installed) = try Child.run([folder.file("pkg-watt-stat"), "read", "--socket", "/nonexistent/x"])
    #expect(installed.contains("start one there with: pkg-watt-stat serve --socket /nonexistent/x\n"), "\(installed)")
  }
}
