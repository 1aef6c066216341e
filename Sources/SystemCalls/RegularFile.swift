internal import Glibc
internal import SystemPackage

/// Regular files, opened for reading only after they are known to be regular: opening a pipe may wait forever, and opening a device
/// may have an effect, which a folder that another user has filled must not be able to cause.
public enum RegularFile {
  /// Opens a file, close-on-exec.
  ///
  /// - Parameters:
  ///   - root: a folder that stands for /, with which the path begins, and out of which no link leads; empty for / itself.
  ///   - major: the number of a driver whose devices may be opened too.
  /// - Throws: EISDIR for a folder, ENOTSUP for anything else that is not a regular file, else the system's error.
  public static func open(
    _ path: String, root: String = "", orDeviceOf major: UInt32? = nil
  ) throws(FileError) -> Descriptor {
    let found = try filePlace(path, root: root)
    do throws(Errno) {
      let file = try found.status()
      switch file.type {
      case .regular: break
      case .characterSpecial where Self.major(file.specialDeviceID.rawValue) == major: break
      case .directory: throw Errno.isDirectory
      default: throw Errno.notSupported
      }
      // This same file, even if another one has its name by now.
      let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK
      return try unsafe Descriptor(result: Glibc.open("/proc/self/fd/\(found.number)", flags))
    } catch {
      throw FileError(path: path, error)
    }
  }

  /// The driver's number in a device's, as in gnu_dev_major(3), which the C library hides from Swift.
  static func major(_ device: dev_t) -> UInt32 {
    UInt32(truncatingIfNeeded: device >> 8 & 0xFFF | device >> 32 & ~0xFFF)
  }

  /// The device's number among those of its driver, as in gnu_dev_minor(3).
  static func minor(_ device: dev_t) -> UInt32 {
    UInt32(truncatingIfNeeded: device & 0xFF | device >> 12 & ~0xFF)
  }
}
