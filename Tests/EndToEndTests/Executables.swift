import Foundation

/// The programs under test, and what this machine lets a test do.
enum Executables {
  /// The product, built beside the tests.
  static let service = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    .appending(path: "pkg-watt-stat").path

  /// The FUSE device, a package of its own: scripts/test builds it.
  static let device = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "MSRDevice/.build/debug/msr-device").path

  /// The server of powercap trees, a package of its own: scripts/test builds it.
  static let tree = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: ".build/powercap-tree/debug/powercap-tree").path

  static let isRoot = getuid() == 0
  static let hasDevice =
    FileManager.default.isExecutableFile(atPath: device) && isRoot && access("/dev/fuse", R_OK) == 0
  static let needsDevice =
    "needs root, /dev/fuse and the msr device: swift build --package-path Tests/MSRDevice (scripts/test does it)"
  static let needsRoot = "needs root"
  static let hasTree = hasDevice && FileManager.default.isExecutableFile(atPath: tree)
  static let needsTree =
    "needs root, /dev/fuse, the msr device, and the powercap tree's server: scripts/packaging/powercap-tree debug (scripts/test does it)"

  /// Whether scripts/sanitize runs the tests: a sanitizer's options are set, and everything takes a few times as long.
  static let isSanitized = hasThreadSanitizer || ProcessInfo.processInfo.environment["ASAN_OPTIONS"] != nil
  static let hasThreadSanitizer = ProcessInfo.processInfo.environment["TSAN_OPTIONS"] != nil
}

/// A folder that goes away with its owner.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = "/tmp/pkg-watt-stat-test-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    // The service's user must be able to remove its socket.
    chmod(path, 0o777)
  }

  func file(_ name: String) -> String { path + "/" + name }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }
}

/// What a test could not do.
struct TestFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// Waits for a condition, at most so many seconds.
func wait(seconds: Double = 10, for what: String, until condition: () throws -> Bool) throws {
  let end = Date.now.addingTimeInterval(seconds)
  while !(try condition()) {
    guard Date.now < end else { throw TestFailure("waited \(seconds) s in vain for \(what)") }
    usleep(5000)
  }
}
