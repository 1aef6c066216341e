package import SystemCalls

/// What was read of a machine beside the contents of its files: the part of a captured tree that is stored in its folder
/// `capture`, in a few text files.
package struct Capture: Equatable, Sendable {
  /// One register of one CPU.
  package struct Register: Hashable, Sendable {
    package let cpu: Int
    package let address: UInt32

    package init(cpu: Int, address: UInt32) {
      self.cpu = cpu
      self.address = address
    }
  }

  /// The results of reading a counter repeatedly: the first and the last.
  package enum Values: Equatable, Sendable {
    case read([UInt64])
    case failed(errno: Int32)

    /// Adds the counter's present value.
    package mutating func add(_ value: UInt64) {
      if case .read(let values) = self, let first = values.first {
        self = .read([first, value])
      } else {
        self = .read([value])
      }
    }
  }

  /// Paths that could not be read or opened, relative to the root without a leading slash, and why: an errno value.
  package var errors: [String: Int32] = [:]
  /// Permissions of files, by the same paths.
  package var permissions: [String: FilePermissions] = [:]
  /// Answers that are not files, by question.
  package var answers: [String: String] = [:]
  /// Registers.
  package var registers: [Register: Values] = [:]
  /// The energies of powercap's zones in microjoules, by the zone's folder: "intel-rapl:0".
  package var zones: [String: Values] = [:]
  /// The names in folders, by the folders' paths.
  package var folders: [String: [String]] = [:]

  /// Readings of the counters over some seconds, if they were asked for.
  package var trace: Trace?

  /// An empty capture.
  package init() {}
}
