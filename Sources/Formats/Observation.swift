public import PowerProtocol

/// A service's description and a sample.
public struct Observation: Sendable, Equatable {
  /// The description.
  public var info: ServiceInfo
  /// The sample.
  public var sample: SampleReport

  /// An observation.
  public init(info: ServiceInfo, sample: SampleReport) {
    self.info = info
    self.sample = sample
  }

  /// Whether any of it is simulated.
  public var isSimulated: Bool { info.isSimulated || sample.status == .simulated }
  /// Whether it is recent.
  var isFresh: Bool { sample.status != .stale }
}

/// What is known at the time of a scrape.
struct Scrape {
  /// nil if the service did not answer.
  let observation: Observation?
  /// The version of this program.
  let version: String
}
