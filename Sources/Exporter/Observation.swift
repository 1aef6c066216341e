public import PowerProtocol

/// What a service is, and what it said of one moment.
public struct Observation: Sendable, Equatable {
  /// What it is.
  public var info: ServiceInfo
  /// What is drawn.
  public var sample: SampleReport

  /// An observation.
  public init(info: ServiceInfo, sample: SampleReport) {
    self.info = info
    self.sample = sample
  }

  /// Whether anything in it is invented.
  public var isSimulated: Bool { info.isSimulated || sample.status == .simulated }
}
