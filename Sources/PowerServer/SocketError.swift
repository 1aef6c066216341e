internal import Glibc
internal import SystemCalls

/// Why a socket cannot be served at a path.
public enum SocketError: Error, Equatable {
  /// What stands in the way at a path.
  public enum Occupant: String, Sendable {
    /// A regular file.
    case file
    /// A directory.
    case directory
    /// A symbolic link, wherever it points to.
    case symbolicLink = "symbolic link"
    /// Anything else that is no socket.
    case other = "device or pipe"
  }

  /// The path names no file.
  case notAFile(path: String)
  /// The path does not fit a socket address.
  case tooLong(path: String)
  /// The folder that the socket should be in cannot be used.
  case folder(path: String, errno: Int32)
  /// Something that is no socket is there.
  case occupied(path: String, by: Occupant)
  /// Another program is serving there.
  case inUse(path: String)
  /// Another program's socket is there, and nobody serves at it.
  case taken(path: String)
  /// A socket is there that can neither be reached nor be taken for dead.
  case unreachable(path: String, errno: Int32)
  /// Somebody else put another file in the socket's place while it was made.
  case swapped(path: String)
  /// Any other step.
  case failed(path: String, step: String, errno: Int32)
}

extension SocketError {
  /// Whether somebody with more rights could do it.
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
      "The socket path \"\(path)\" names no file; give the path of a file in an existing folder."
    case .tooLong(let path):
      "The socket path \(path) is \(path.utf8.count) bytes long; Unix sockets allow \(SocketFile.mostPathBytes). "
        + "Choose a shorter one."
    case .folder(let path, ENOENT):
      "The folder \(path) for the socket does not exist; create it, or choose another path with --socket."
    case .folder(let path, let errno):
      "The folder \(path) for the socket cannot be used: \(fileErrorText(errno)). Choose another path with --socket."
    case .occupied(let path, let occupant):
      "\(path) is a \(occupant.rawValue), not a socket, so it is left alone; choose another path with --socket, or "
        + "remove it if nobody needs it."
    case .inUse(let path):
      "Another program is already serving at \(path); stop it, or choose another path with --socket."
    case .taken(let path):
      "\(path) is another program's socket, so it is left alone; remove it if nobody needs it."
    case .unreachable(let path, let errno):
      "Whether the socket at \(path) is in use cannot be told: \(errorText(errno)). Remove it, or choose another path "
        + "with --socket."
    case .swapped(let path):
      "Somebody replaced the socket \(path) with another file while it was made; serve in a folder that only root or the "
        + "service's user may write to, with --socket."
    case .failed(let path, let step, let errno):
      "Cannot \(step) the socket \(path): \(errorText(errno)). Choose a path that this user may write to, with --socket."
    }
  }
}
