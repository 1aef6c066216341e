internal import Glibc
internal import SystemPackage

/// Device nodes that another process has opened for this one. None is trusted before it was examined.
public enum PassedNode {
  /// What is wrong with a descriptor.
  public enum Flaw: Error, Equatable {
    /// It is not open, or cannot be examined: an errno value.
    case unusable(errno: Int32)
    /// It cannot be read.
    case unreadable
    /// It can be written to.
    case writable
    /// It is another device of the same driver: the number of that device.
    case otherDevice(UInt32)
    /// It is something else.
    case otherFile
  }

  /// Makes sure that a descriptor reads a device, and can do nothing else.
  ///
  /// - Parameters:
  ///   - major: the number of the device's driver.
  ///   - minor: the driver's number of the device.
  ///   - path: the path of the device.
  ///   - root: a folder that stands for /, with which the path begins, and in which a regular file stands for the device; empty for /
  ///     itself.
  public static func check(
    _ descriptor: Int32, major: UInt32, minor: UInt32, path: String, root: String
  ) throws(Flaw) {
    let flags = fcntl(descriptor, F_GETFL)
    guard flags >= 0 else { throw .unusable(errno: errno) }
    if flags & OpenFolder.pathOnly == OpenFolder.pathOnly || flags & O_ACCMODE == O_WRONLY { throw .unreadable }
    guard flags & O_ACCMODE == O_RDONLY else { throw .writable }
    let file: Stat
    do {
      file = try Stat(FileDescriptor(rawValue: descriptor))
    } catch {
      throw .unusable(errno: error.rawValue)
    }
    if file.type == .characterSpecial {
      let device = file.specialDeviceID.rawValue
      guard RegularFile.major(device) == major else { throw .otherFile }
      guard RegularFile.minor(device) == minor else { throw .otherDevice(RegularFile.minor(device)) }
    } else {
      guard !root.isEmpty, file.type == .regular, let place = try? filePlace(path, root: root),
        let wanted = try? place.status(), wanted.deviceID == file.deviceID, wanted.inode == file.inode
      else { throw .otherFile }
    }
  }

  /// A second descriptor of the same open file, close-on-exec.
  public static func duplicate(_ descriptor: Int32, of path: String) throws(FileError) -> Descriptor {
    do throws(Errno) {
      return try Descriptor(result: fcntl(descriptor, F_DUPFD_CLOEXEC, 0))
    } catch {
      throw FileError(path: path, error)
    }
  }
}
