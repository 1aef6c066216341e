internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// The descriptors that a service manager passes at the start, listening sockets and opened files; see sd_listen_fds(3).
public enum SocketActivation {
  /// The first descriptor that is passed; the others follow.
  private static let first: Int32 = 3
  /// More than any service has: Linux knows 8,192 CPUs, each of which has a file.
  private static let most = 16_384

  /// Takes what was passed to this process, close-on-exec, and clears it from the environment, so that no child takes it too.
  ///
  /// - Parameter isFile: whether a name is that of a file. Everything else must be a socket.
  /// - Returns: listening Unix stream sockets, and files, which are not examined; none if nothing was passed.
  /// - Throws: what is wrong with them.
  public static func take(
    files isFile: (String) -> Bool
  ) throws(ActivationError) -> (sockets: [PassedSocket], files: [PassedFile]) {
    defer { for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(name) } }
    // For another process: its parent did not clear it.
    guard let pid = variable("LISTEN_PID"), pid == "\(getpid())" else { return ([], []) }
    guard let text = variable("LISTEN_FDS"), let count = Int32(text), 0...Int32(most) ~= count else {
      throw .environment("LISTEN_FDS", variable("LISTEN_FDS") ?? "")
    }
    var names = [String?](repeating: nil, count: Int(count))
    if count > 0, let text = variable("LISTEN_FDNAMES") {
      names = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      guard names.count == count else { throw .environment("LISTEN_FDNAMES", text) }
    }
    let all = zip(first..<first + count, names)
    for (descriptor, name) in all where fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0 {
      throw .notOpen(descriptor: descriptor, name: name, errno: errno)
    }
    var sockets: [PassedSocket] = []
    var files: [PassedFile] = []
    for (descriptor, name) in all {
      if let name, isFile(name) {
        files.append(PassedFile(descriptor: descriptor, name: name))
        continue
      }
      let error = cmsr_check_listener(descriptor)
      guard error == 0 else { throw .noListener(descriptor: descriptor, errno: error) }
      sockets.append(PassedSocket(descriptor: descriptor, name: name))
    }
    return (sockets, files)
  }
}

/// A socket that a service manager has passed.
public struct PassedSocket: Sendable {
  /// The listening socket.
  public let descriptor: Int32
  /// The manager's name for it: with systemd the unit's, unless FileDescriptorName= gives another. nil if there is none.
  public let name: String?
}

/// A file that a service manager has opened and passed.
public struct PassedFile: Sendable {
  /// The open file.
  public let descriptor: Int32
  /// The manager's name for it.
  public let name: String
}

/// A variable of the environment.
func variable(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

/// Why passed sockets cannot be served.
public enum ActivationError: Error, Equatable {
  /// A variable of the environment is not valid.
  case environment(String, String)
  /// A descriptor is not open: an errno value.
  case notOpen(descriptor: Int32, name: String?, errno: Int32)
  /// A descriptor is not a listening Unix stream socket.
  case noListener(descriptor: Int32, errno: Int32)
}

extension ActivationError: CustomStringConvertible {
  /// What is wrong, and what to do.
  public var description: String {
    switch self {
    case .environment(let name, let value):
      "\(name)=\(value.prefix(100)) is not valid, so what the service manager has passed cannot be used; check the unit."
    case .notOpen(let descriptor, let name, let errno):
      "Descriptor \(descriptor)\(name.map { " (\($0.prefix(100)))" } ?? "") from the service manager is not open: \(errorText(errno)); "
        + "check LISTEN_FDS."
    case .noListener(let descriptor, EINVAL):
      "Descriptor \(descriptor) from the service manager does not listen; the socket unit needs Accept=no."
    case .noListener(let descriptor, let errno) where errno == EPROTOTYPE || errno == ENOTSOCK:
      "Descriptor \(descriptor) from the service manager is not a Unix stream socket; the socket unit needs ListenStream= with "
        + "a path."
    case .noListener(let descriptor, let errno):
      "Descriptor \(descriptor) from the service manager cannot be used: \(errorText(errno))."
    }
  }
}
