internal import CFUSE
internal import Glibc
internal import MSRDeviceModel

/// The device as files. libfuse calls back without context, so what it serves is global.
enum FileSystem {
  /// Mounts, serves until a signal, unmounts, and gives an exit status.
  static func serve(_ cpu: FaultyCPU, on mountPoint: String) -> Int32 {
    Served.begin(cpu)
    let error = cfuse_unblock_ending_signals()
    guard error == 0 else { return error }
    var operations = fuse_operations()
    unsafe operations.`init` = { _, config in
      // Each pread must arrive as it is: no page cache, no read-ahead.
      unsafe config?.pointee.direct_io = 1
      _ = unsafe Glibc.write(STDOUT_FILENO, "ready\n", 6)
      return nil
    }
    unsafe operations.getattr = { path, status, _ in unsafe attributes(path, status) }
    unsafe operations.readdir = { path, buffer, fill, _, _, _ in unsafe list(path, buffer, fill) }
    unsafe operations.open = { path, _ in unsafe open(path) }
    unsafe operations.read = { path, buffer, size, offset, _ in unsafe read(path, buffer, size, offset) }
    unsafe operations.write = { path, buffer, size, _, _ in unsafe write(path, buffer, size) }
    // The shell's `>` truncates before it writes: nothing to do.
    unsafe operations.truncate = { _, _, _ in 0 }
    return unsafe cfuse_serve(mountPoint, &operations)
  }
}

private typealias Path = UnsafePointer<CChar>

private func attributes(_ path: Path?, _ status: UnsafeMutablePointer<stat>?) -> Int32 {
  answer { () throws(DeviceError) in
    let node = try unsafe node(path)
    unsafe status?.pointee = stat()
    unsafe status?.pointee.st_mode = node.mode
    unsafe status?.pointee.st_nlink = 1
    return 0
  }
}

private func list(_ path: Path?, _ buffer: UnsafeMutableRawPointer?, _ fill: fuse_fill_dir_t?) -> Int32 {
  answer { () throws(DeviceError) in
    let names = try unsafe node(path).names(cpuCount: Served.cpuCount, packageCount: Served.packageCount)
    for name in [".", ".."] + names { _ = unsafe fill?(buffer, name, nil, 0, fuse_fill_dir_flags(0)) }
    return 0
  }
}

private func open(_ path: Path?) -> Int32 {
  answer { () throws(DeviceError) in
    let user = unsafe fuse_get_context().pointee.uid
    return try Served.open(try unsafe node(path), isPrivileged: user == 0 || user == geteuid())
  }
}

private func read(_ path: Path?, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int, _ offset: off_t) -> Int32 {
  answer { () throws(DeviceError) in
    let bytes = try Served.read(try unsafe node(path), count: size, offset: Int64(offset))
    guard let buffer = unsafe buffer else { throw .invalid }
    unsafe UnsafeMutableRawBufferPointer(start: buffer, count: size).copyBytes(from: bytes.prefix(size))
    return Int32(clamping: bytes.count)
  }
}

private func write(_ path: Path?, _ buffer: UnsafePointer<CChar>?, _ size: Int) -> Int32 {
  answer { () throws(DeviceError) in
    let bytes = unsafe UnsafeRawBufferPointer(start: buffer, count: size)
    try Served.write(unsafe String(decoding: bytes, as: UTF8.self), to: try unsafe node(path))
    return Int32(clamping: size)
  }
}

private func node(_ path: Path?) throws(DeviceError) -> Node {
  guard let path = unsafe path else { throw .missing }
  return try Node(path: unsafe String(cString: path), cpuCount: Served.cpuCount, packageCount: Served.packageCount)
}

/// libfuse's way of returning an error: a negative errno value.
private func answer(_ body: () throws(DeviceError) -> Int32) -> Int32 {
  do throws(DeviceError) { return try body() } catch { return -error.errno }
}
