import Foundation

/// A running service on a socket of its own.
final class Service {
  static let readiness = "Ready: serving at"

  let child: Child
  let folder: TemporaryFolder
  let socket: String

  /// Starts the service and waits until it says that it is ready.
  ///
  /// - Parameters:
  ///   - wrapper: a command that ends by executing the service in its place, such as `prlimit`.
  ///   - saying: what it says once it may be used.
  init(_ arguments: [String], wrapper: [String] = [], saying: String = readiness) throws {
    folder = try TemporaryFolder()
    socket = folder.file("watts.sock")
    child = try Child(wrapper + [Executables.service, "serve", "--socket", socket] + arguments)
    try wait(for: "the service to be ready") {
      guard child.isRunning else { throw TestFailure("the service ended: \(child.output)") }
      return child.output.contains(saying)
    }
  }

  static func simulated(_ arguments: [String] = [], wrapper: [String] = []) throws -> Service {
    try Service(["--source", "simulated"] + arguments, wrapper: wrapper)
  }

  func client() throws -> Client { try Client(socket) }

  /// Ends it in order and gives its exit code.
  func stop(_ signal: Int32 = SIGTERM) throws -> Int32 {
    child.send(signal)
    return try child.exitCode()
  }

  /// Seconds of CPU that it has used.
  func cpuSeconds() throws -> Double {
    let stat = try String(contentsOfFile: "/proc/\(child.pid)/stat", encoding: .utf8)
    let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
    guard fields.count > 12, let user = Double(fields[12]), let system = Double(fields[13]) else {
      throw TestFailure("no CPU times in \(stat)")
    }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }
}
