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

  deinit {
    child.send(SIGTERM)
    _ = try? child.exitCode()
  }
}
