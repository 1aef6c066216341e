internal import Formatting
internal import Glibc
internal import PowerProtocol
internal import SystemCalls

/// Why the service cannot serve at a path.
public enum SocketError: Error, Equatable {
  /// The path does not end in the name of a file.
  case notAFile(path: String)
  /// The path is too long for a socket address.
  case tooLong(path: String)
  /// The folder of the socket cannot be used.
  case folder(path: String, errno: Int32)
  /// The path is not a socket.
  case occupied(path: String, by: String)
  /// Another program is serving there.
  case inUse(path: String)
  /// Another program's socket is there, but nothing serves at it.
  case taken(path: String)
  /// There is a socket, and it is unknown whether a program serves at it.
  case unreachable(path: String, errno: Int32)
  /// Another user replaced the socket with another file while it was created.
  case swapped(path: String)
  /// Any other step.
  case failed(path: String, step: String, errno: Int32)
}

extension SocketError {
  /// Whether it may work with more rights.
  var isMissingRight: Bool {
    switch self {
    case .folder(_, let errno), .unreachable(_, let errno), .failed(_, _, let errno): errno == EACCES || errno == EPERM
    case .notAFile, .tooLong, .occupied, .inUse, .taken, .swapped: false
    }
  }
}

extension SocketError: CustomStringConvertible {
  /// What failed, on what, why, and what to do.
  public var description: String {
    switch self {
    case .notAFile(let path):
      "The socket path \"\(path)\" does not end in a file name; give the path of a file in an existing folder."
    case .tooLong(let path):
      "The socket path \(path) is \(path.utf8.count) bytes long; Unix sockets allow \(SocketFile.mostPathBytes). "
        + "Choose a shorter one."
    case .folder(let path, ENOENT):
      "The folder \(path) for the socket does not exist; create it, or choose another path with --socket."
    case .folder(let path, let errno):
      "Cannot use the folder \(path) for the socket: \(fileErrorText(errno)). Choose another path with --socket."
    case .occupied(let path, "directory"):
      "\(path) is a directory, not a socket; name a file in it, such as "
        + "\(path)\(path.hasSuffix("/") ? "" : "/")pkg-watt-stat.sock"
    case .occupied(let path, let occupant):
      "\(path) is a \(occupant), not a socket, so it was left alone; choose another path with --socket, or "
        + "remove it if it is not needed."
    case .inUse(let path):
      "Another program is already serving at \(path); stop it, or choose another path with --socket. To read it: "
        + "pkg-watt-stat read"
        + ([SocketPaths.preferred, SocketPaths.original].contains(path) ? "" : " --socket \(shellWord(path))")
    case .taken(let path):
      "\(path) is another program's socket, so it was left alone; remove it if it is not needed."
    case .unreachable(let path, let errno):
      "Cannot tell whether the socket at \(path) is in use: \(errorText(errno)). Remove it, or choose another path "
        + "with --socket."
    case .swapped(let path):
      "Another user replaced the socket \(path) with another file while it was created; use --socket with a folder that only "
        + "root or the service's user may write to."
    case .failed(let path, let step, let errno):
      "Cannot \(step) the socket \(path): \(errorText(errno)). Choose a path that this user may write to, with --socket."
    }
  }
}
