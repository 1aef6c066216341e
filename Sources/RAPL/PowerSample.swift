/// The mean power between two snapshots.
public struct PowerSample: Sendable, Equatable {
  /// Watts, summed over all packages.
  public let watts: Double
  /// The length of the window, in nanoseconds.
  public let windowNanoseconds: Int64
  /// Its end on the monotonic clock, in nanoseconds.
  public let endMonotonicNanoseconds: Int64
  /// Its end by the time of day, in nanoseconds since 1970.
  public let endUnixNanoseconds: Int64

  /// A sample from its parts.
  public init(
    watts: Double, windowNanoseconds: Int64, endMonotonicNanoseconds: Int64,
    endUnixNanoseconds: Int64
  ) {
    self.watts = watts
    self.windowNanoseconds = windowNanoseconds
    self.endMonotonicNanoseconds = endMonotonicNanoseconds
    self.endUnixNanoseconds = endUnixNanoseconds
  }
}

/// Why a snapshot gave no watts.
public enum NoSample: Sendable {
  /// It is the first: there is no window yet.
  case first
  /// The counter of this package has not moved since the window began.
  case idle(PackageID)
  /// The counter of this package gave a value that it cannot have reached.
  case implausible(PackageID)
  /// The counter of this package was reset, stood still, or was not read for too long.
  case discontinuity(PackageID)
  /// The machine slept during the window.
  case suspended
  /// The counter of this package could not be read.
  case failed(PackageID, any Error)

  /// Whether a new window begins with this reading; otherwise the present one continues.
  public var beginsWindow: Bool {
    switch self {
    case .first, .discontinuity, .suspended: true
    case .idle, .implausible, .failed: false
    }
  }
}

extension NoSample: CustomStringConvertible {
  /// One sentence for the log.
  public var description: String {
    switch self {
    case .first: "The first window has begun."
    case .idle(let id): "The energy counter of \(id) does not move."
    case .implausible(let id):
      "The energy counter of \(id) showed 0, or jumped further than any CPU's power explains, so this reading was ignored."
    case .discontinuity(let id):
      "The energy counter of \(id) was reset, stood still, or was not read for too long; a new window begins."
    case .suspended: "The machine was asleep; a new window begins."
    case .failed(let id, let error): "The energy counter of \(id) could not be read. \(error)"
    }
  }
}
