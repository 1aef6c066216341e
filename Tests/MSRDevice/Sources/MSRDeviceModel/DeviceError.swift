internal import Glibc

/// Why a file of the device refuses a request.
public enum DeviceError: Error, Equatable {
  /// A size that is no multiple of 8, or a command that is none.
  case invalid
  /// The register faults.
  case fault
  /// The CPU is offline.
  case offline
  /// The zone's package has gone offline.
  case gone
  /// There is no such file.
  case missing
  /// Registers are not written to.
  case readOnly
  /// Only the device's own user and root may read it.
  case denied
  /// A folder is no file.
  case folder
  /// A file is no folder.
  case file

  /// The errno value that says so.
  public var errno: Int32 {
    switch self {
    case .invalid: EINVAL
    case .fault: EIO
    case .offline: ENXIO
    case .gone: ENODEV
    case .missing: ENOENT
    case .readOnly: EPERM
    case .denied: EACCES
    case .folder: EISDIR
    case .file: ENOTDIR
    }
  }
}
