import Foundation
import Testing

@Suite(
  "Limits", .serialized, .enabled(if: Executables.isRoot, "needs root"),
  .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
struct LimitsTests {
  /// The answer to a question for limits.
  private func limits(_ client: Client) throws -> String {
    client.write("{\"get\": \"limits\"}\n")
    while true {
      let line = try client.line()
      if line.hasPrefix("{\"limits\"") { return line }
    }
  }

  @Test("are told by a service that has given up every right, from registers that it opened before")
  func withoutRights() throws {
    let folder = try TemporaryFolder()
    let plan = folder.file("plan")
    // A laptop: 35 W over 28 s, 44 W for a moment, 45 W by design, 61 degrees, throttled at 90 instead of
    // 100, and by PL1.
    try """
    0-1 0x606 value 0xA0E03
    0-1 0x611 counter 0x1000000 696320 32
    0-1 0x610 value 0x0042816000dc8118
    0-1 0x614 value 0x168
    0-1 0x613 value 0xA00
    0-1 0x64F value 0x04000400
    0-1 0x1A2 value 0x0A640000
    0-1 0xCE value 0x40000000
    0-1 0x1B1 value 0x88270000
    0-1 0x601 eio

    """.write(toFile: plan, atomically: false, encoding: .utf8)
    let device = try Device(["--watts", "42.5", "--registers", plan])
    for options in [["--user", "nobody"], ["--seal"]] {
      let service = try Service(["--source", "msr", "--root", device.root.path] + options)
      let answer = try limits(service.client())
      for member in [
        #""source": "msr", "reason": null"#,
        #"{"name": "pl1", "watts": 35, "window_seconds": 28, "enabled": true, "clamping": false, "locked": false"#,
        #"{"name": "pl2", "watts": 44,"#, #""tdp_watts": 45, "throttle_celsius": 90, "celsius": 61,"#,
        #""throttled_seconds": {"package": 2.5, "dram": 0}"#, #""core": {"active": ["pl1"], "logged": ["pl1"]}"#,
      ] {
        #expect(answer.contains(member), "\(member) in \(answer)")
      }
      #expect(!answer.contains("pl4"), "\(answer)")
    }
  }

  @Test("that a source does not have are told to be unknown, with the reason")
  func unknown() throws {
    let service = try Service.simulated()
    let answer = try limits(service.client())
    #expect(
      answer.contains(#""source": null, "reason": "A simulated CPU has no limits.", "packages": []"#), "\(answer)")
  }
}
