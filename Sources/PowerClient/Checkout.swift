internal import Glibc

/// The folder that this program was built in, with its sources.
enum Checkout {
  /// The command that builds and starts the service from here; nil for an installed program.
  static let start: String? = {
    guard let program = unsafe realpath("/proc/self/exe", nil) else { return nil }
    defer { unsafe free(program) }
    let path = unsafe String(cString: program)
    // SwiftPM builds in .build/TRIPLE/CONFIGURATION; other builds are kept beside it, as .build-thread.
    guard let end = path.firstRange(of: "/.build")?.lowerBound else { return nil }
    let script = path[..<end] + "/scripts/start"
    return unsafe access(String(script), X_OK) == 0 ? String(script) : nil
  }()
}
