/// The mean power between two snapshots.
public struct PowerSample: Sendable, Equatable {
  /// Watts, summed over all packages.
  public let watts: Double
  /// How long the window was, in nanoseconds.
  public let windowNanoseconds: Int64
  /// When it ended on the monotonic clock, in nanoseconds.
  public let endMonotonicNanoseconds: Int64
  /// When it ended by the time of day, in nanoseconds since 1970.
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
  /// The counter of this package was set anew, stood still, or went unread for too long.
  case discontinuity(PackageID)
  /// The machine slept during the window.
  case suspended
  /// The counter of this package could not be read.
  case failed(PackageID, any Error)

  /// Whether a new window begins with this reading; otherwise the one before goes on.
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
    case .implausible(let id): "The energy counter of \(id) gave an implausible value, which was left out."
    case .discontinuity(let id):
      "The energy counter of \(id) was reset, stood still, or was unread for too long; a new window begins."
    case .suspended: "The machine was asleep; a new window begins."
    case .failed(let id, let error): "The energy counter of \(id) could not be read. \(error)"
    }
  }
}
