public import PowerProtocol
internal import RAPL

/// The service's interval, and the times that follow from it.
public struct ServerSettings: Sendable {
  /// The shortest window that every local user may see, in nanoseconds: finer readings leak secrets (CVE-2020-8694).
  public static let shortestPublicWindow: Int64 = 250_000_000
  /// How late a public reading may be for its point, in nanoseconds.
  static let lateness: Int64 = 10_000_000
  /// How long a connection is silent after its first line, in nanoseconds, so that a first `recv` gets one line.
  static let firstLineSilence: Int64 = 500_000_000

  /// The time between samples, in nanoseconds.
  public let interval: Int64
  /// The shortest interval that everyone may ask for, in nanoseconds: that of the grid that all connections share.
  let publicStep: Int64
  /// How long a connection waits for a service that never had a good reading, in seconds.
  public var patienceSeconds = 1.5

  /// How long it may go without a reading while no client is connected, in seconds: limited by the source's counters and by a
  /// watchdog.
  public var longestSleepSeconds = 30.0

  /// The time between updates of the source's counters, in nanoseconds, if they move in steps; else 0.
  public var updateNanoseconds: Int64 = 0

  /// How far back a client that wakes the service sees, in seconds: it gets the mean since the latest public reading, unless
  /// that is older than this and than two intervals.
  public var longestWakingWindowSeconds = 10.0

  /// The group whose members get full resolution, as root does; nil for none.
  public var trustedGroup: TrustedGroup?

  /// How many connections a user may have. Root may have at least 20,000. nil means 4,096, or three quarters of the limit on
  /// open files if that is less.
  public var connectionsOfUser: Int?

  /// Paths to serve at as soon as they are free.
  public var wantedSockets: [WantedSocket] = []

  /// The time between tries of a path that is not free, in seconds.
  var socketRetrySeconds = 60.0
  /// How long the sockets' files are not checked again, in seconds.
  var socketCheckSeconds = 10.0

  /// The description that clients get.
  public var description = ServiceDescription()

  /// Settings for an interval.
  ///
  /// - Parameter intervalSeconds: seconds between samples, from 0.001 to 86,400; NaN counts as 0.001.
  public init(intervalSeconds: Double) {
    let seconds = intervalSeconds > 0.001 ? min(intervalSeconds, 86_400) : 0.001
    let wanted = Int64(clamping: (seconds * 1e9).rounded())
    // A whole number of public windows, so that there is one grid.
    let windows = max(wanted / Self.shortestPublicWindow, 1)
    publicStep = max((wanted + windows / 2) / windows, 1)
    interval = publicStep * windows
  }

  /// Called with the state at each point of the grid, on the server's thread: it must not wait.
  public var onPulse: @Sendable (ServerPulse) -> Void = { _ in }

  /// How many connections a user may have by default: the rest of the limit on open files is for others.
  static func connectionsOfUser(descriptorLimit: Int64) -> Int { Int(min(4096, max(descriptorLimit * 3 / 4, 1))) }

  /// How long a connection waits for a service that never had a good reading, in nanoseconds.
  var patience: Int64 { Int64(nanosecondsIn: patienceSeconds) }
  /// The length of the first window, in nanoseconds.
  var firstWindow: Int64 { min(Self.shortestPublicWindow, interval) }
  /// The shortest window between two samples, in nanoseconds.
  var shortestWindow: Int64 { min(Self.shortestPublicWindow, interval / 2) }
  /// The shortest time between two public readings, in nanoseconds. A reading may be a little late for its point of the grid
  /// without costing the next point its own; only private sockets have shorter windows.
  var shortestPublicGap: Int64 { shortestWindow - min(Self.lateness, shortestWindow / 25) }
  /// How long domains that cost a reading of every core are read after a request for a sample, in nanoseconds: long enough for
  /// the next request of a scraper that asks every minute, and its window.
  var domainsPatience: Int64 { max(90_000_000_000, 2 * interval + Self.shortestPublicWindow) }
  /// How long a connection is silent after its first line, in nanoseconds.
  var silence: Int64 { min(Self.firstLineSilence, interval) }
  /// The time between tries of a path that is not free, in nanoseconds.
  var socketRetry: Int64 { Int64(nanosecondsIn: min(max(0.01, socketRetrySeconds), 3600)) }
  /// How long the sockets' files are not checked again, in nanoseconds.
  var socketCheck: Int64 { Int64(nanosecondsIn: min(max(0, socketCheckSeconds), 3600)) }
  /// How long it may sleep, in nanoseconds; at least an interval.
  var longestSleep: Int64 { max(interval, Int64(nanosecondsIn: min(max(longestSleepSeconds, 0), 3600))) }
  /// How far back a client that wakes the service sees, in nanoseconds: at least two intervals, because until a sample is one
  /// interval old a client gets it without waking anything.
  var longestWakingWindow: Int64 {
    max(Int64(nanosecondsIn: min(max(longestWakingWindowSeconds, 0), 3600)), 2 * interval)
  }
  /// The age at which a sample becomes stale, in nanoseconds.
  var staleAge: Int64 { max(interval, updateNanoseconds) * 5 / 2 }
}

/// How the service is at a point of its grid, or when it reads the counters while it sleeps: a sign that it samples.
public struct ServerPulse: Sendable, Equatable {
  /// What a client that connected now would get, or the mean over its sleep; nil if there never was a reading.
  public let line: PowerLine?
  /// The number of connected clients.
  public let clients: Int
  /// Whether it sleeps until a client connects.
  public let isAsleep: Bool
}

/// The description of a service that clients get.
public struct ServiceDescription: Sendable {
  /// Its version.
  public var version = ""
  /// The energy source: "msr", "powercap", "turbostat" or "simulated".
  public var source = ""
  /// The CPU's name; nil if the source does not tell.
  public var cpu: String?
  /// What is measured and how, in one readable line.
  public var summary = ""

  /// A description in which nothing is said yet.
  public init() {}
}

/// A path to serve at as soon as it is free, and the permissions of the socket's file, as in chmod(1).
public typealias WantedSocket = (path: String, mode: UInt32)
