import Foundation
import TestSupport
import Testing

/// Registers that a hypervisor computes about once a second, as QEMU does from version 9.1 on.
@Suite(
  "Counters that move in steps", .namesTrials, .serialized,
  .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
struct SteppingCounterTests {
  private static let qemu = ["--watts", "12.5", "--update-period-us", "1020000", "--update-jitter-us", "4000"]

  @Test("are served within 4 s, by a line each interval, and none is the watts of a step in a shorter time or of none")
  func served() async {
    let all: [([String], String, Double, Double)] = [
      (Self.qemu, "msr", 12.5, 1.0), (Self.qemu, "powercap", 12.5, 0.5),
      (["--watts", "60", "--watts", "9", "--update-period-us", "300000"], "msr", 69, 1),
    ]
    await atOnce(all) { try served(options: $0.0, source: $0.1, watts: $0.2, interval: $0.3) }
  }

  private func served(options: [String], source: String, watts: Double, interval: Double) throws {
    let device = try Device(options)
    let start = Date.now
    let service = try Service(["--source", source, "--root", device.root.path, "--interval", "\(interval)"])
    let client = try service.client()
    var lines = [try client.reading()]
    #expect(Date.now.timeIntervalSince(start) < 4)
    var times = [Date.now]
    for _ in 0..<Int(6 / interval) {
      lines.append(try client.reading())
      times.append(Date.now)
    }
    for line in lines {
      #expect(line.status == "ok" && abs(line.power_watts / watts - 1) < 0.02, "\(line)")
    }
    // No second line comes within 0.5 s of the first.
    for (one, other) in zip(times.dropFirst(), times.dropFirst(2)) {
      #expect(abs(other.timeIntervalSince(one) - interval) < 0.3)
    }
    #expect(Set(lines.map(\.timestamp)).count >= 4)
    #expect(service.child.output.contains("a window lasts from one step to another"), "\(service.child.output)")
  }

  @Test("a client that wakes the service gets fresh watts too, and one that asks for fresh ones no stale ones")
  func waking() async { await atOnce([0.2, 3, 12.5], waking) }

  private func waking(after pause: Double) throws {
    let device = try Device(Self.qemu)
    let service = try Service(["--source", "msr", "--root", device.root.path])
    do { _ = try service.client().reading() }
    Thread.sleep(forTimeInterval: pause)
    do {
      let line = try service.client().reading()
      #expect(line.status == "ok" && abs(line.power_watts / 12.5 - 1) < 0.02, "\(line)")
    }
    let client = try service.client()
    _ = try client.line()
    client.write("{\"get\": \"sample\", \"fresh\": true}\n")
    var answer = ""
    while !answer.contains("window") { answer = try client.line() }
    #expect(answer.contains("\"ok\""), "\(answer)")
  }

  @Test("a platform's counter that steps with them is measured too")
  func platform() throws {
    let device = try Device(Self.qemu)
    let service = try Service(["--source", "msr", "--root", device.root.path])
    let client = try service.client()
    for _ in 0..<4 { _ = try client.reading() }
    client.write("{\"get\": \"sample\"}\n")
    var answer = ""
    while !answer.contains("\"sample\"") { answer = try client.line() }
    #expect(answer.contains("\"psys\""), "\(answer) \(service.child.output)")
  }

  @Test("the doctor tells what they are, and agrees with the service")
  func doctor() throws {
    let device = try Device(Self.qemu)
    let (exitCode, output) = try Child.run([Executables.service, "doctor", "--root", device.root.path])
    #expect(exitCode == 0 && output.contains("moves in steps, every 1.0"), "\(output)")
    let check = try Child.run([Executables.service, "serve", "--check", "--root", device.root.path])
    #expect(check.exitCode == 0, "\(check.output)")
  }
}
