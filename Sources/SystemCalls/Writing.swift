internal import Glibc
internal import SystemPackage

/// Writes all bytes to a descriptor, in as many calls as that takes.
///
/// - Returns: 0, or why some of them were not written: an errno value.
public func writeAll(_ bytes: some Sequence<UInt8>, to descriptor: Int32) -> Int32 {
  let file = FileDescriptor(rawValue: descriptor)
  var rest = Array(bytes)[...]
  while !rest.isEmpty {
    do {
      let count = try unsafe rest.withUnsafeBytes { try unsafe file.write($0) }
      // POSIX does not allow this result for a write that is not empty; to continue might never end.
      guard count > 0 else { return EIO }
      rest = rest.dropFirst(count)
    } catch Errno.resourceTemporarilyUnavailable {
      // Another process has made the terminal or pipe that we share non-blocking.
      var polled = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      if unsafe poll(&polled, 1, -1) < 0 && errno != EINTR { return errno }
    } catch {
      return (error as? Errno)?.rawValue ?? EIO
    }
  }
  return 0
}
