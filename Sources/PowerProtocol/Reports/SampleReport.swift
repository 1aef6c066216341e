public import RAPL

/// Watts and joules, in total, for each package and for each domain: the answer to `{"get": "sample"}`, and what a
/// subscription delivers.
public struct SampleReport: Sendable, Equatable {
  /// What a domain of a package draws.
  public struct Domain: Sendable, Equatable {
    /// The mean over the window; nil where the counter could not be read.
    public var watts: Double?
    /// Since the service's start.
    public var joules: Double
    /// Whether `joules` is only the least that was drawn.
    public var isLowerBound: Bool

    /// What a domain draws.
    public init(watts: Double?, joules: Double, isLowerBound: Bool) {
      self.watts = watts
      self.joules = joules
      self.isLowerBound = isLowerBound
    }
  }

  /// What a package draws.
  public struct Package: Sendable, Equatable {
    /// Which one.
    public var id: PackageID
    /// The mean over the window.
    public var watts: Double
    /// Since the service's start.
    public var joules: Double
    /// Whether `joules` is only the least that was drawn.
    public var isLowerBound: Bool
    /// Its further domains. `core` and `uncore` are parts of the package, the others are not.
    public var domains: [PowerDomain: Domain]

    /// What a package draws.
    public init(
      id: PackageID, watts: Double, joules: Double, isLowerBound: Bool, domains: [PowerDomain: Domain] = [:]
    ) {
      self.id = id
      self.watts = watts
      self.joules = joules
      self.isLowerBound = isLowerBound
      self.domains = domains
    }
  }

  /// What the service itself has cost since its start.
  public struct Cost: Sendable, Equatable {
    /// Processor time, user and system, in seconds.
    public var cpuSeconds: Double
    /// How often one of its threads went from waiting to running.
    public var wakeups: Int

    /// A cost.
    public init(cpuSeconds: Double, wakeups: Int) {
      self.cpuSeconds = cpuSeconds
      self.wakeups = wakeups
    }
  }

  /// Numbers the samples of one stream: a gap tells that one was lost.
  public var sequence: Int
  /// The window's end, in seconds since 1970.
  public var unixSeconds: Double
  /// The window's end by CLOCK_MONOTONIC, in seconds.
  public var monotonicSeconds: Double
  /// How long the window was, in seconds.
  public var windowSeconds: Double
  /// The mean over the window, summed over all packages.
  public var watts: Double
  /// Since the service's start, summed over all packages.
  public var joules: Double
  /// Whether `joules` is only the least that was drawn.
  public var isLowerBound: Bool
  /// How much the watts are worth.
  public var status: PowerLine.Status
  /// Why the status is not "ok", in a sentence.
  public var reason: String?
  /// How many readings of a counter were implausible since the service's start, and left out.
  public var rejectedReadings: Int
  /// Each package.
  public var packages: [Package]
  /// What the service itself has cost.
  public var service: Cost

  /// A sample from its parts.
  public init(
    sequence: Int, unixSeconds: Double, monotonicSeconds: Double, windowSeconds: Double, watts: Double, joules: Double,
    isLowerBound: Bool, status: PowerLine.Status, reason: String? = nil, rejectedReadings: Int = 0,
    packages: [Package], service: Cost
  ) {
    self.sequence = sequence
    self.unixSeconds = unixSeconds
    self.monotonicSeconds = monotonicSeconds
    self.windowSeconds = windowSeconds
    self.watts = watts
    self.joules = joules
    self.isLowerBound = isLowerBound
    self.status = status
    self.reason = reason
    self.rejectedReadings = rejectedReadings
    self.packages = packages
    self.service = service
  }
}
