internal import CFUSE
internal import Glibc
internal import Powercap
internal import Synchronization
internal import SystemCalls

/// The tree as libfuse's low-level operations. A file's inode is its index in the tree, and 1.
enum FileSystem {
  /// The mount options: those of this program's own mount. Where the caller has mounted already, the caller's hold.
  static let options =
    "ro,nosuid,nodev,noexec,default_permissions,fsname=pkg-watt-stat,subtype=pkg-watt-stat"

  static var operations: fuse_lowlevel_ops {
    var operations = fuse_lowlevel_ops()
    unsafe operations.lookup = { request, folder, name in unsafe lookUp(request, folder, name) }
    unsafe operations.getattr = { request, inode, _ in unsafe attributes(request, inode) }
    unsafe operations.readlink = { request, inode in unsafe readLink(request, inode) }
    unsafe operations.readdir = { request, inode, size, offset, _ in unsafe list(request, inode, size, offset) }
    unsafe operations.open = { request, inode, file in unsafe open(request, inode, file) }
    unsafe operations.read = { request, _, size, offset, file in unsafe read(request, size, offset, file) }
    unsafe operations.release = { request, _, file in
      let handle = unsafe ctree_handle(file)
      _ = Served.with { $0.files.close(handle) }
      unsafe fuse_reply_err(request, 0)
    }
    unsafe operations.getxattr = { request, _, name, size in unsafe attribute(request, name, size) }
    unsafe operations.listxattr = { request, _, size in unsafe listAttributes(request, size) }
    return operations
  }
}

private typealias Request = fuse_req_t
/// As files of sysfs have it.
private let fileSize: off_t = 4096
private let markValue = Array("powercap".utf8)
private let markName = Array(PowercapMark.attribute.utf8) + [0]

private func fail(_ request: Request?, _ errno: Int32) { unsafe fuse_reply_err(request, errno) }

private func node(_ inode: UInt64) -> ZoneTree.Node? {
  let nodes = Served.tree.nodes
  return inode >= 1 && inode <= UInt64(nodes.count) ? nodes[Int(inode) - 1] : nil
}

private func mode(_ content: ZoneTree.Content) -> mode_t {
  switch content {
  case .folder: S_IFDIR | 0o555
  case .link: S_IFLNK | 0o777
  case .text, .energy: S_IFREG | 0o444
  }
}

private func status(_ node: ZoneTree.Node, _ inode: UInt64) -> stat {
  let owner = Served.owner.withLock { $0 }
  let size: off_t =
    switch node.content {
    case .folder: 0
    case .link(let target): off_t(target.utf8.count)
    case .text, .energy: fileSize
    }
  return ctree_attributes(inode, mode(node.content), owner.user, owner.group, size)
}

private func lookUp(_ request: Request?, _ folder: fuse_ino_t, _ name: UnsafePointer<CChar>?) {
  guard let name = unsafe name, folder >= 1,
    let index = Served.tree.find(unsafe String(cString: name), in: Int(clamping: folder) - 1)
  else { return unsafe fail(request, ENOENT) }
  unsafe ctree_reply_entry(request, status(Served.tree.nodes[index], UInt64(index) + 1))
}

private func attributes(_ request: Request?, _ inode: fuse_ino_t) {
  guard let node = node(inode) else { return unsafe fail(request, ENOENT) }
  unsafe ctree_reply_attributes(request, status(node, inode))
}

private func readLink(_ request: Request?, _ inode: fuse_ino_t) {
  guard case .link(let target)? = node(inode)?.content else { return unsafe fail(request, EINVAL) }
  unsafe fuse_reply_readlink(request, target)
}

private func list(_ request: Request?, _ inode: fuse_ino_t, _ size: Int, _ offset: off_t) {
  guard let folder = node(inode), case .folder(let content) = folder.content else {
    return unsafe fail(request, ENOTDIR)
  }
  let entries = [(".", Int(inode) - 1), ("..", folder.folder)] + content.map { (Served.tree.nodes[$0].name, $0) }
  var buffer = [CChar](repeating: 0, count: size)
  var used = 0
  for (number, entry) in entries.enumerated().dropFirst(Int(clamping: offset)) {
    var attributes = status(Served.tree.nodes[entry.1], UInt64(entry.1) + 1)
    let needed = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
      unsafe fuse_add_direntry(
        request, buffer.baseAddress.map { unsafe $0 + used }, size - used, entry.0, &attributes, off_t(number + 1))
    }
    guard used + needed <= size else { break }
    used += needed
  }
  unsafe fuse_reply_buf(request, buffer, used)
}

private func open(_ request: Request?, _ inode: fuse_ino_t, _ file: UnsafeMutablePointer<fuse_file_info>?) {
  guard let content = node(inode)?.content else { return unsafe fail(request, ENOENT) }
  guard unsafe ctree_wants_to_write(file) == 0 else { return unsafe fail(request, EROFS) }
  let handle = Served.with { $0.files.open(content) } ?? 0
  // Interrupted: nobody will close it.
  if unsafe ctree_reply_open(request, handle) == -ENOENT { _ = Served.with { $0.files.close(handle) } }
}

private func read(_ request: Request?, _ size: Int, _ offset: off_t, _ file: UnsafeMutablePointer<fuse_file_info>?) {
  let address = UInt(bitPattern: request)
  // Before the other thread knows of the request: it may answer at once, and the request is gone then.
  unsafe fuse_req_interrupt_func(
    request,
    { request, _ in
      let address = UInt(bitPattern: request)
      if Served.with({ $0.forget(address) }) == true { unsafe fuse_reply_err(request, EINTR) }
    }, nil)
  if unsafe fuse_req_interrupted(request) != 0 { return unsafe fail(request, EINTR) }
  let now = ctree_monotonic_seconds()
  let handle = unsafe ctree_handle(file)
  let answer = Served.with { state in
    state.read(
      PendingRead(
        request: address, file: handle, size: size, offset: Int(clamping: offset), asked: now,
        moment: now, deadline: now + state.patienceSeconds))
  }
  switch answer {
  case .bytes(let bytes): reply(address, bytes)
  case .later: ctree_wake(Served.alarm)
  case .noValue, nil: reply(address, nil)
  }
}

/// Answers a read, from any thread.
///
/// - Parameter bytes: what it reads; nil if there is no value.
func reply(_ request: UInt, _ bytes: [UInt8]?) {
  guard let request = unsafe OpaquePointer(bitPattern: request) else { return }
  guard let bytes else { return unsafe fail(request, ENODATA) }
  _ = unsafe bytes.withUnsafeBytes { unsafe fuse_reply_buf(request, $0.baseAddress, $0.count) }
}

private func attribute(_ request: Request?, _ name: UnsafePointer<CChar>?, _ size: Int) {
  guard let name = unsafe name, unsafe String(cString: name) == PowercapMark.attribute else {
    return unsafe fail(request, ENODATA)
  }
  unsafe answer(request, markValue, size)
}

private func listAttributes(_ request: Request?, _ size: Int) {
  unsafe answer(request, markName, size)
}

/// As for all of xattr(7): without room for it, the size is told.
private func answer(_ request: Request?, _ value: [UInt8], _ size: Int) {
  if size == 0 {
    unsafe fuse_reply_xattr(request, value.count)
  } else if size < value.count {
    unsafe fuse_reply_err(request, ERANGE)
  } else {
    _ = unsafe value.withUnsafeBytes { unsafe fuse_reply_buf(request, $0.baseAddress, $0.count) }
  }
}
