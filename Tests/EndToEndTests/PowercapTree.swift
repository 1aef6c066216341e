import Foundation

/// A device, a service that reads it, and a powercap tree that shows the service's energy.
final class PowercapTree {
  let device: Device
  private(set) var service: Service?
  let folder: TemporaryFolder
  let child: Child
  private let settings: [String]
  let socket: String

  init(watts: [Double] = [42.5, 17.25], _ options: [String] = []) throws {
    device = try Device(watts.flatMap { ["--watts", "\($0)"] } + options)
    settings = ["--source", "msr", "--root", device.root.path]
    let service = try Service(settings)
    self.service = service
    socket = service.socket
    folder = try TemporaryFolder()
    child = try Child([Executables.service, "powercap", "--socket", service.socket, folder.path])
    try wait(for: "the tree") {
      guard child.isRunning else { throw TestFailure("the tree ended: \(child.output)") }
      return child.output.contains("Ready: serving energy_uj")
    }
  }

  /// A file of a zone such as "intel-rapl:0".
  func path(_ zone: String, _ file: String = "energy_uj") -> String { folder.file("\(zone)/\(file)") }

  func isMounted() throws -> Bool {
    try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8).contains(" \(folder.path) ")
  }

  /// The service at the same path, which was stopped; with `other`, of another machine.
  func restartService(on other: Device? = nil) throws -> Child {
    let settings = other.map { ["--source", "msr", "--root", $0.root.path] } ?? settings
    let child = try Child([Executables.service, "serve", "--socket", socket] + settings)
    try wait(for: "the service to be ready") { child.output.contains(Service.readiness) }
    return child
  }

  /// The process that answers the kernel.
  func server() throws -> pid_t {
    let children = try String(contentsOfFile: "/proc/\(child.pid)/task/\(child.pid)/children", encoding: .utf8)
    let all = children.split(separator: " ").compactMap { pid_t($0) }
    let server = all.first { (try? String(contentsOfFile: "/proc/\($0)/comm", encoding: .utf8)) == "powercap-tree\n" }
    guard let server else { throw TestFailure("the tree has no server") }
    return server
  }

  deinit {
    child.send(SIGTERM)
    _ = try? child.exitCode()
  }
}

/// A file that is kept open and read again from its start, as monitors do.
final class EnergyFile {
  let descriptor: Int32

  init(_ path: String) throws {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw TestFailure("cannot open \(path): \(String(cString: strerror(errno)))") }
  }

  /// Reads at an offset. The error is an errno value.
  func read(_ count: Int = 64, at offset: Int = 0) -> (text: String, error: Int32) {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = pread(descriptor, &bytes, count, off_t(offset))
    return got < 0 ? ("", errno) : (String(decoding: bytes[..<got], as: UTF8.self), 0)
  }

  func microjoules() throws -> UInt64 {
    let (text, error) = read()
    guard error == 0, text.hasSuffix("\n"), let value = UInt64(text.dropLast()) else {
      throw TestFailure("'\(text)' instead of a number: \(String(cString: strerror(error)))")
    }
    return value
  }

  deinit { close(descriptor) }
}
