public import PowerProtocol

/// The latest that a service said, in either version of the protocol.
public struct Reading: Sendable, Equatable {
  /// The window's end, in seconds since 1970.
  public var unixSeconds: Double
  /// The mean over the window, summed over all packages.
  public var watts: Double
  /// How much the watts are worth.
  public var status: PowerLine.Status
  /// All that version 2 tells; nil from version 1.
  public var sample: SampleReport?

  /// A reading of version 2.
  public init(_ sample: SampleReport) {
    self.sample = sample
    (unixSeconds, watts, status) = (sample.unixSeconds, sample.watts, sample.status)
  }

  /// A reading of version 1.
  public init(_ line: PowerLine) {
    (unixSeconds, watts, status) = (Double(line.unixMilliseconds) / 1000, line.watts, line.status)
  }
}
