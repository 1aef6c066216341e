import CFUSE
import Glibc
import MSRDeviceModel

/// The registers as files. libfuse calls back without context, on one thread: the state is one global.
enum FileSystem {
  nonisolated(unsafe) fileprivate static var cpu: FaultyCPU?

  /// Mounts, serves until a signal, unmounts, and gives libfuse's exit status.
  static func serve(_ cpu: FaultyCPU, on mountPoint: String) -> Int32 {
    Self.cpu = cpu
    var operations = fuse_operations()
    operations.`init` = { _, config in
      // Each pread must arrive as it is: no page cache, no read-ahead.
      config?.pointee.direct_io = 1
      _ = "ready\n".withCString { Glibc.write(STDOUT_FILENO, $0, 6) }
      return nil
    }
    operations.getattr = { path, status, _ in attributes(path, status) }
    operations.readdir = { path, buffer, fill, _, _, _ in list(path, buffer, fill) }
    operations.open = { path, _ in open(path) }
    operations.read = { path, buffer, size, offset, _ in read(path, buffer, size, offset) }
    operations.write = { path, buffer, size, _, _ in control(path, buffer, size) }
    operations.truncate = { _, _, _ in 0 }
    let words: [String] = ["msr-device", "-f", "-s", "-o", "allow_other,attr_timeout=0", mountPoint]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { word in strdup(word) }
    arguments.append(nil)
    defer { arguments.forEach { free($0) } }
    return fuse_main_real(
      Int32(arguments.count - 1), &arguments, &operations, MemoryLayout<fuse_operations>.size, nil)
  }
}

private enum Node {
  case root
  case control
  case folder
  case msr(cpu: Int)

  init?(_ path: UnsafePointer<CChar>?) {
    guard let path, let cpu = FileSystem.cpu else { return nil }
    let parts = String(cString: path).split(separator: "/")
    switch parts.count {
    case 0: self = .root
    case 1 where parts[0] == "control": self = .control
    case 1, 2:
      guard let number = Int(parts[0]), (0..<cpu.cpuCount).contains(number) else { return nil }
      guard parts.count == 2 else {
        self = .folder
        return
      }
      guard parts[1] == "msr" else { return nil }
      self = .msr(cpu: number)
    default: return nil
    }
  }
}

private func attributes(_ path: UnsafePointer<CChar>?, _ status: UnsafeMutablePointer<stat>?) -> Int32 {
  guard let node = Node(path) else { return -ENOENT }
  status?.pointee = stat()
  switch node {
  case .root, .folder: status?.pointee.st_mode = 0o40755
  case .control: status?.pointee.st_mode = 0o100200
  case .msr: status?.pointee.st_mode = 0o100600
  }
  status?.pointee.st_nlink = 1
  return 0
}

private func list(_ path: UnsafePointer<CChar>?, _ buffer: UnsafeMutableRawPointer?, _ fill: fuse_fill_dir_t?) -> Int32
{
  guard let node = Node(path), let fill, let cpu = FileSystem.cpu else { return -ENOENT }
  var names = [".", ".."]
  switch node {
  case .root: names += ["control"] + (0..<cpu.cpuCount).map { "\($0)" }
  case .folder: names += ["msr"]
  case .control, .msr: return -ENOTDIR
  }
  for name in names { _ = fill(buffer, name, nil, 0, fuse_fill_dir_flags(0)) }
  return 0
}

private func open(_ path: UnsafePointer<CChar>?) -> Int32 {
  switch Node(path) {
  case .msr(let number): FileSystem.cpu?.isOnline(number) == true ? 0 : -ENXIO
  case .control: 0
  case .root, .folder: -EISDIR
  case nil: -ENOENT
  }
}

/// A read of 8 * n bytes gives the same register n times, as the driver does.
private func read(_ path: UnsafePointer<CChar>?, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int, _ offset: off_t)
  -> Int32
{
  guard case .msr(let number) = Node(path), let buffer else { return -EINVAL }
  guard size % 8 == 0, let address = UInt32(exactly: offset) else { return -EINVAL }
  for start in stride(from: 0, to: size, by: 8) {
    do {
      let value = try FileSystem.cpu?.read(address, cpu: number) ?? 0
      UnsafeMutableRawPointer(buffer).storeBytes(of: value.littleEndian, toByteOffset: start, as: UInt64.self)
    } catch {
      return if case .offline = error { -ENXIO } else { -EIO }
    }
  }
  return Int32(size)
}

private func control(_ path: UnsafePointer<CChar>?, _ buffer: UnsafePointer<CChar>?, _ size: Int) -> Int32 {
  guard case .control = Node(path), let buffer else { return -EINVAL }
  let text = String(decoding: UnsafeRawBufferPointer(start: buffer, count: size), as: UTF8.self)
  guard let change = Switch(text), FileSystem.cpu?.apply(change) == true else { return -EINVAL }
  return Int32(size)
}
