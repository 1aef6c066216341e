internal import CMSRShim
internal import Glibc
public import SystemCalls

/// The service manager's store of descriptors, which it passes to the service when that starts; see sd_pid_notify_with_fds(3). The
/// unit needs FileDescriptorStoreMax=, and NotifyAccess=exec for a process of ExecStartPre=.
public struct DescriptorStore: ~Copyable {
  /// How long the manager may take to keep what it was sent, in milliseconds.
  private static let patienceMilliseconds: Int32 = 20_000

  private let manager: Descriptor

  /// The store of the manager that has started this process.
  ///
  /// - Throws: the reason why it cannot be reached.
  public init() throws(StoreError) {
    guard let path = variable("NOTIFY_SOCKET"), !path.isEmpty else { throw .noManager }
    let opened = unsafe cmsr_open_notify_socket(path)
    guard opened.error == 0 else { throw .unreachable(path: path, errno: opened.error) }
    manager = Descriptor(owning: opened.descriptor)
  }

  /// Takes away everything that is kept by a name, such as by an earlier start of the service.
  public func remove(_ name: String) throws(StoreError) {
    let text = Array("FDSTOREREMOVE=1\nFDNAME=\(name)".utf8)
    try check(
      unsafe text.withUnsafeBytes { bytes in
        var sent: Int
        repeat {
          sent = unsafe send(manager.number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        } while sent < 0 && errno == EINTR
        return sent < 0 ? errno : 0
      })
  }

  /// Keeps a descriptor by a name.
  public func add(_ descriptor: borrowing Descriptor, _ name: String) throws(StoreError) {
    let text = Array("FDSTORE=1\nFDNAME=\(name)".utf8)
    let (manager, number) = (manager.number, descriptor.number)
    try check(unsafe text.withUnsafeBytes { unsafe cmsr_notify_with(manager, $0.baseAddress, $0.count, number) })
  }

  /// Waits until the manager has done all of it.
  public func settle() throws(StoreError) {
    let text = Array("BARRIER=1".utf8)
    let manager = manager.number
    try check(
      unsafe text.withUnsafeBytes {
        unsafe cmsr_notify_and_wait(manager, $0.baseAddress, $0.count, Self.patienceMilliseconds)
      })
  }

  private func check(_ error: Int32) throws(StoreError) {
    guard error == 0 else { throw .refused(errno: error) }
  }
}

/// Why descriptors cannot be given to the service manager.
public enum StoreError: Error, Equatable {
  /// No service manager has started this process, or it does not listen to it.
  case noManager
  /// The manager's socket cannot be reached: an errno value.
  case unreachable(path: String, errno: Int32)
  /// The manager did not take a message: an errno value.
  case refused(errno: Int32)
}

extension StoreError: CustomStringConvertible {
  /// What failed, why, and what to do.
  public var description: String {
    switch self {
    case .noManager:
      "There is no service manager to give register nodes to (NOTIFY_SOCKET); only a unit can do this, with ExecStartPre=+ and "
        + "NotifyAccess=exec."
    case .unreachable(let path, let errno):
      "Cannot reach the service manager at NOTIFY_SOCKET=\(path): \(errorText(errno))."
    case .refused(let errno):
      "The service manager did not take the register nodes: \(errorText(errno)); restart the service."
    }
  }
}
