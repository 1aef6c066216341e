import Foundation

/// A running device, mounted on a folder of its own, unmounted when its owner lets go of it.
final class MountedDevice {
  /// The program, built beside the tests.
  private static let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    .appending(path: "msr-device")

  /// Whether this machine lets a test mount.
  static let canMount = getuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0
  /// What a test that was skipped says.
  static let needsMount = "needs root and /dev/fuse"

  /// The folder that was given to it: the mount point, or the machine composed in it.
  let folder: String
  private let isTree: Bool
  private let process = Process()

  /// Starts a device and waits until it is mounted.
  init(_ arguments: [String] = [], tree isTree: Bool = false) throws {
    folder = NSTemporaryDirectory() + "msr-device-\(UInt64.random(in: 0...UInt64.max))"
    self.isTree = isTree
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    let output = Pipe()
    process.executableURL = Self.program
    process.arguments = (isTree ? ["--tree", folder] : [folder]) + arguments
    process.standardOutput = output
    try process.run()
    let first = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    guard first == "ready\n" else { throw Failure("the device did not get ready: \(first)") }
  }

  /// The mount point.
  var mountPoint: String { isTree ? folder + "/dev/cpu" : folder }

  /// Whether the kernel has it in its list of mounts.
  func isMounted() throws -> Bool {
    try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8).contains(" \(mountPoint) fuse.msr-device ")
  }

  /// Throws a switch.
  ///
  /// - Returns: 0, or an errno value.
  func control(_ command: String) -> Int32 {
    let descriptor = open(mountPoint + "/control", O_WRONLY | O_TRUNC)
    guard descriptor >= 0 else { return errno }
    defer { close(descriptor) }
    return write(descriptor, command, command.utf8.count) == command.utf8.count ? 0 : errno
  }

  /// Opens the node of a CPU.
  func node(_ cpu: Int) throws -> RegisterNode { try RegisterNode("\(mountPoint)/\(cpu)/msr") }

  /// Ends it by a signal, and gives its exit status.
  func end(_ signal: Int32) -> Int32 {
    if process.isRunning { kill(process.processIdentifier, signal) }
    process.waitUntilExit()
    return process.terminationStatus
  }

  deinit {
    _ = end(SIGTERM)
    // Not a folder in which something is still mounted.
    if (try? isMounted()) == false { try? FileManager.default.removeItem(atPath: folder) }
  }
}

/// What a test could not do.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
