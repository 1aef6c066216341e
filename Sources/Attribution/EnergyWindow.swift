public import PowerProtocol
internal import RAPL

/// The energy between two samples that this program received, in whole microjoules.
public struct EnergyWindow: Sendable, Equatable {
  /// The end, in nanoseconds of CLOCK_MONOTONIC.
  public var end: Int64
  /// The end, in seconds since 1970.
  public var unixSeconds: Double
  /// The length, in seconds: more than 0.
  public var seconds: Double
  /// All packages' energy, in microjoules.
  public var microjoules: Int64
  /// The mean in steps of 10 mW: the sample's own watts if no sample was lost in between.
  public var centiwatts: Int64
  /// Whether more energy was drawn than was counted.
  public var isLowerBound: Bool
}

/// Makes windows from a service's samples.
public struct EnergyCourse: Sendable {
  private var last: (sequence: Int, seconds: Double, microjoules: Int64)?
  /// No window has more energy: a gigajoule. More cannot be right, and the sums must stay far from overflow.
  static let mostMicrojoules: Int64 = 1_000_000_000_000_000

  /// A course before its first sample.
  public init() {}

  /// The window since the last sample; nil for the first sample of a service, for a stale one, and if a counter or the clock went
  /// back, as after a restart of the service.
  public mutating func advance(_ sample: SampleReport) -> EnergyWindow? {
    guard sample.status != .stale else { return nil }
    let now = (sample.sequence, sample.monotonicSeconds, Int64(clamping: (sample.joules * 1e6).rounded()))
    defer { last = now }
    guard let last, now.1 > last.seconds, now.2 >= last.microjoules else { return nil }
    let (seconds, microjoules) = (now.1 - last.seconds, now.2 - last.microjoules)
    guard microjoules <= Self.mostMicrojoules else { return nil }
    let isWhole = now.0 == last.sequence + 1 && abs(sample.windowSeconds - seconds) <= 0.05 * seconds
    let watts = isWhole ? sample.watts : Double(microjoules) / 1e6 / seconds
    return EnergyWindow(
      end: Int64(nanosecondsIn: sample.monotonicSeconds), unixSeconds: sample.unixSeconds, seconds: seconds,
      microjoules: microjoules, centiwatts: Int64(clamping: (watts * 100).rounded()),
      isLowerBound: sample.isLowerBound)
  }

  /// Another connection: its joules may have another beginning.
  public mutating func restart() { last = nil }
}
