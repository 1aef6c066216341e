internal import CMSRShim
internal import Glibc

/// Moves a ready socket from its temporary name to its path, if that is free or has a dead socket.
struct SocketPublication {
  /// How often another process may interfere before this gives up.
  private static let mostTries = 10

  let path: String
  let folder: Int32
  let name: String
  let temporary: String
  let listener: Int32
  /// Whether a socket whose listener is gone is replaced.
  let replacesDead: Bool

  /// - Parameter prepare: applied to the file under its temporary name, once that is known to be the socket's.
  /// - Returns: the identity of the file.
  /// - Throws: an error also if another file has replaced the socket's, before or after.
  func run(prepare: () throws(SocketError) -> Void) throws(SocketError) -> SocketFile.FileIdentity {
    let socket = try ownFile()
    try prepare()
    try move()
    let published = unsafe cmsr_file_at(folder, name)
    guard published.error == 0, published.identity == socket else { throw .swapped(path: path) }
    return socket
  }

  /// The identity of the temporary name: the file that the socket was bound to.
  private func ownFile() throws(SocketError) -> SocketFile.FileIdentity {
    let named = unsafe cmsr_file_at(folder, temporary)
    guard named.error == 0 else { throw .swapped(path: path) }
    let bound = cmsr_bound_file(listener)
    if bound.error == 0 {
      guard named.identity == bound.identity else { throw .swapped(path: path) }
    } else if occupant(mode: named.mode) != nil {
      // Only root can ask the kernel. Without root's rights a swapped file can do no more than its owner.
      throw .swapped(path: path)
    }
    return named.identity
  }

  private func move() throws(SocketError) {
    for _ in 0..<Self.mostTries {
      let found = unsafe cmsr_file_at(folder, name)
      if found.error == ENOENT {
        let error = unsafe cmsr_rename(folder, temporary, name, RENAME_NOREPLACE)
        if error == 0 { return }
        guard error == EEXIST else { throw .failed(path: path, step: "create", errno: error) }
        continue
      }
      guard found.error == 0 else { throw .failed(path: path, step: "find", errno: found.error) }
      if let occupant = occupant(mode: found.mode) { throw .occupied(path: path, by: occupant) }
      switch unsafe cmsr_probe(path) {
      case 0, EAGAIN: throw .inUse(path: path)
      case ENOENT: continue
      case ECONNREFUSED where !replacesDead: throw .taken(path: path)
      case ECONNREFUSED: if try replace(dead: found) { return }
      case let error: throw .unreachable(path: path, errno: error)
      }
    }
    throw .inUse(path: path)
  }

  /// Swaps names with a dead socket and removes it; swaps back if it turns out to be another one.
  private func replace(dead: cmsr_file) throws(SocketError) -> Bool {
    let error = unsafe cmsr_rename(folder, temporary, name, RENAME_EXCHANGE)
    if error == ENOENT { return false }
    guard error == 0 else { throw .failed(path: path, step: "replace", errno: error) }
    let swapped = unsafe cmsr_file_at(folder, temporary)
    guard swapped.error == 0, swapped.identity == dead.identity else {
      let error = unsafe cmsr_rename(folder, temporary, name, RENAME_EXCHANGE)
      guard error == 0 else { throw .failed(path: path, step: "give back", errno: error) }
      return false
    }
    guard unsafe unlinkat(folder, temporary, 0) == 0 else { throw .failed(path: path, step: "replace", errno: errno) }
    return true
  }

  /// The kind of file there, by the file type bits of stat(2), which the C library defines twice for Swift; nil for a socket.
  private func occupant(mode: UInt32) -> String? {
    switch mode & 0o170000 {
    case 0o140000: nil
    case 0o100000: "file"
    case 0o040000: "directory"
    case 0o120000: "symbolic link"
    default: "device or pipe"
    }
  }
}
