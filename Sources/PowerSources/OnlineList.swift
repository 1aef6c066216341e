internal import Glibc
internal import SystemCalls

/// The kernel's list of the CPUs that are online, kept open: to ask whether it has changed costs a read.
final class OnlineList: Sendable {
  private let descriptor: Descriptor

  /// Opens it; nil if the machine does not tell which CPUs are online.
  init?(_ tree: MachineTree) {
    do {
      descriptor = try RegularFile.open("\(tree.root)/sys/devices/system/cpu/online")
    } catch {
      return nil
    }
  }

  /// What it says now; nil if it cannot be read.
  func text() -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 4096)
    // At 0, so that the kernel makes the text anew.
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor.number, $0.baseAddress, $0.count, 0) }
    return count > 0 ? Array(bytes[..<count]) : nil
  }
}
