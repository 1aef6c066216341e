import Foundation
import Testing

@Suite("The doctor")
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
    .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)),
    arguments: [
      ([], nil, true), (["--cpuinfo", "amd"], nil, true), (["--units", "0"], nil, true), ([], "freeze 1 on", false),
      ([], "zero 0 on", false), ([], "eio 0 on", false), ([], "enxio 0 on", true),
    ] as [([String], String?, Bool)])
  func device(options: [String], fault: String?, isMeasurable: Bool) throws {
    let device = try Device(["--watts", "20", "--watts", "20"] + options)
    if let fault { try device.control(fault) }
    let (exitCode, output) = try doctor(["--root", device.root.path])
    let check = try Child.run([Executables.service, "serve", "--check", "--root", device.root.path])
    #expect(exitCode == (isMeasurable ? 0 : 1), "\(output)")
    #expect(check.exitCode == exitCode, "\(check.output)")
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
    let saved = "What was read is saved in \(capture); pkg-watt-stat doctor --root \(capture) replays it.\n\n"
    #expect(saved + replayed.output == told.output && replayed.exitCode == 0)
    #expect(try doctor(["--root", capture, "--capture", capture]).output.contains("is no empty folder"))
  }

  @Test("a path that is not UTF-8 is refused, and nothing is written to another one")
  func otherBytes() throws {
    let folder = try TemporaryFolder()
    let shell = #"exec "$0" doctor --root / --capture "$(printf '%s/h\366he' "$1")""#
    let (exitCode, output) = try Child.run(["sh", "-c", shell, Executables.service, folder.path])
    #expect(exitCode == 64 && output.contains("is not UTF-8; give the path another way"), "\(output)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy { $0 == "output" })
  }

  @Test("a broken capture and wrong usage are refused")
  func refusals() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.file("capture"), withIntermediateDirectories: false)
    try "junk\n".write(toFile: folder.file("capture/errors"), atomically: false, encoding: .utf8)
    let broken = try doctor(["--root", folder.path])
    #expect(broken.exitCode == 1 && broken.output.contains("holds a line that no capture has (junk)"))
    #expect(try doctor(["--root", ""]).exitCode == 64)
  }
}
