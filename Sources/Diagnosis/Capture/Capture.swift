internal import SystemCalls

/// What was read of a machine besides the contents of its files: the part of a captured tree that lies in its folder
/// `capture`, in four text files.
struct Capture: Equatable, Sendable {
  /// One register of one CPU.
  struct Register: Hashable, Sendable {
    let cpu: Int
    let address: UInt32
  }

  /// What came of reading a register, again and again.
  enum Values: Equatable, Sendable {
    case read([UInt64])
    case failed(errno: Int32)
  }

  /// Paths that could not be read or opened, from the root on and without its slash, and why: an errno value.
  var errors: [String: Int32] = [:]
  /// Permissions of files, by the same paths.
  var permissions: [String: FilePermissions] = [:]
  /// Whatever is no file, by what was asked.
  var answers: [String: String] = [:]
  /// Registers.
  var registers: [Register: Values] = [:]
}
