internal import Glibc
internal import SystemCalls

/// The kernel's list of the CPUs that are online, kept open: to see whether it has changed costs one read.
///
/// In a container that list may be the container's own (lxcfs) and never change; the list of offline CPUs is the kernel's even
/// there.
final class OnlineList: Sendable {
  private final class File: Sendable {
    private let descriptor: Descriptor

    init(_ path: String, root: String) throws(FileError) { descriptor = try RegularFile.open(path, root: root) }

    func text() -> [UInt8]? {
      var bytes = [UInt8](repeating: 0, count: 4096)
      // Reading at offset 0 makes the kernel write the text again.
      let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor.number, $0.baseAddress, $0.count, 0) }
      return count > 0 ? Array(bytes[..<count]) : nil
    }
  }

  private let online: File
  private let offline: File?

  /// Opens it; nil if the machine does not tell which CPUs are online.
  init?(_ tree: MachineTree) {
    guard let online = try? File(tree.cpuFolder + "/online", root: tree.root) else { return nil }
    self.online = online
    offline = try? File(tree.cpuFolder + "/offline", root: tree.root)
  }

  /// Its present text; nil if it cannot be read.
  func text() -> [UInt8]? { online.text().map { $0 + (offline?.text() ?? []) } }
}
