import Foundation

/// The FUSE device: a machine whose registers are served by a program.
final class Device {
  let child: Child
  let root: TemporaryFolder

  init(_ arguments: [String]) throws {
    root = try TemporaryFolder()
    child = try Child([Executables.device, "--tree", root.path] + arguments)
    try wait(for: "the msr device") {
      guard child.isRunning else { throw TestFailure("the msr device ended: \(child.output)") }
      return child.output.contains("ready")
    }
  }

  /// Throws a switch, as `msr-device --help` names them.
  func control(_ command: String) throws {
    let path = root.file("dev/cpu/control")
    guard let handle = FileHandle(forWritingAtPath: path) else { throw TestFailure("cannot write \(path)") }
    try handle.write(contentsOf: Data((command + "\n").utf8))
    try handle.close()
  }

  /// Takes CPUs away or brings them back, as the kernel shows that. An offline CPU has no topology.
  func setOnline(_ cpus: ClosedRange<Int>, _ isOnline: Bool) throws {
    let folder = "sys/devices/system/cpu"
    for cpu in cpus {
      let (topology, aside) = (root.file("\(folder)/cpu\(cpu)/topology"), root.file("topology-\(cpu)"))
      try FileManager.default.moveItem(atPath: isOnline ? aside : topology, toPath: isOnline ? topology : aside)
      try control("enxio \(cpu) \(isOnline ? "off" : "on")")
    }
    let shown = try FileManager.default.contentsOfDirectory(atPath: root.file(folder)).filter { name in
      FileManager.default.fileExists(atPath: root.file("\(folder)/\(name)/topology"))
    }
    let text = shown.compactMap { Int($0.dropFirst(3)) }.sorted().map(String.init).joined(separator: ",") + "\n"
    // In place, as the kernel's: whoever has it open sees the new text.
    guard let list = FileHandle(forWritingAtPath: root.file("\(folder)/online")) else {
      throw TestFailure("there is no list of CPUs")
    }
    try list.truncate(atOffset: 0)
    try list.write(contentsOf: Data(text.utf8))
  }

  deinit {
    child.send(SIGTERM)
    _ = try? child.exitCode()
  }
}
