internal import CMSRShim
internal import Glibc

/// Moves a ready socket from its temporary name to the one that clients know, if that one is free or dead.
struct SocketPublication {
  /// How often somebody else may come in between before it is taken for a fight that nobody wins.
  private static let mostTries = 10

  let path: String
  let folder: Int32
  let name: String
  let temporary: String

  func run() throws(SocketError) {
    for _ in 0..<Self.mostTries {
      let found = unsafe cmsr_file_at(folder, name)
      if found.error == ENOENT {
        let error = unsafe cmsr_rename_new(folder, temporary, name)
        if error == 0 { return }
        guard error == EEXIST else { throw .failed(path: path, step: "create", errno: error) }
        continue
      }
      guard found.error == 0 else { throw .failed(path: path, step: "find", errno: found.error) }
      if let occupant = occupant(mode: found.mode) { throw .occupied(path: path, by: occupant) }
      switch unsafe cmsr_probe(path) {
      case 0, EAGAIN: throw .inUse(path: path)
      case ENOENT: continue
      case ECONNREFUSED: if try replace(dead: found) { return }
      case let error: throw .unreachable(path: path, errno: error)
      }
    }
    throw .inUse(path: path)
  }

  /// Swaps names with a dead socket and removes it; swaps back where it turns out to be another one by now.
  private func replace(dead: cmsr_file) throws(SocketError) -> Bool {
    let error = unsafe cmsr_rename_exchange(folder, temporary, name)
    if error == ENOENT { return false }
    guard error == 0 else { throw .failed(path: path, step: "replace", errno: error) }
    let swapped = unsafe cmsr_file_at(folder, temporary)
    guard swapped.error == 0, SocketFile.FileIdentity(swapped) == SocketFile.FileIdentity(dead) else {
      let error = unsafe cmsr_rename_exchange(folder, temporary, name)
      guard error == 0 else { throw .failed(path: path, step: "give back", errno: error) }
      return false
    }
    guard unsafe unlinkat(folder, temporary, 0) == 0 else { throw .failed(path: path, step: "replace", errno: errno) }
    return true
  }

  /// What is there, by the file type bits of stat(2), which the C library defines twice for Swift; nil for a socket.
  private func occupant(mode: UInt32) -> SocketError.Occupant? {
    switch mode & 0o170000 {
    case 0o140000: nil
    case 0o100000: .file
    case 0o040000: .directory
    case 0o120000: .symbolicLink
    default: .other
    }
  }
}
