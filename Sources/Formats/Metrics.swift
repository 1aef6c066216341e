public import Attribution
public import PowerProtocol
internal import RAPL

/// The metrics of an observation.
public enum Metrics {
  /// The prefix of every metric's name.
  static let prefix = "pkg_watt_stat_"

  /// All metrics that are known.
  ///
  /// Watts and joules are rounded to 10 mW and 10 mJ, as everyone may know them, even if the service would tell more. The joules of
  /// units are parts of such joules, and are not rounded, so that they add up. The start of a counter is not known, so there is no
  /// `_created`.
  ///
  /// - Parameters:
  ///   - observation: nil if the service did not answer.
  ///   - version: the version of this program.
  public static func families(of observation: Observation?, version: String) -> [MetricFamily] {
    let scrape = Scrape(observation: observation, version: version)
    return Field.all.compactMap { family($0, scrape) }
  }

  /// The same as text.
  public static func text(_ format: MetricsFormat, of observation: Observation?, version: String) -> String {
    format.text(families(of: observation, version: version))
  }

  private static func family(_ field: Field, _ scrape: Scrape) -> MetricFamily? {
    guard let metric = field.metric, !metric.isFreshOnly || scrape.observation?.isFresh == true else { return nil }
    let samples = samples(field, scrape)
    guard !samples.isEmpty else { return nil }
    return MetricFamily(
      name: prefix + metric.name, kind: metric.kind, unit: field.unit, help: field.help, samples: samples)
  }

  private static func samples(_ field: Field, _ scrape: Scrape) -> [MetricFamily.Sample] {
    let sample = scrape.observation?.sample
    switch field.source {
    case .scrape(let value): return [value(scrape)].compactMap(\.self)
    case .sample(let value):
      guard let number = sample.flatMap(value)?.metric(field.unit) else { return [] }
      return [.init(value: number)]
    case .part(let value):
      guard let sample else { return [] }
      return sample.parts.compactMap { part in
        value(sample, part)?.metric(field.unit).map { .init(value: $0, labels: labels(part)) }
      }
    case .unit(let value):
      return (scrape.observation?.units?.rows ?? []).compactMap { row in
        value(row).map { .init(value: $0, labels: labels(row)) }
      }
    }
  }

  /// A unit has names that anyone may have chosen, so what is no unit is told apart by the label `row`.
  private static func labels(_ row: UnitCounters.Row) -> [MetricFamily.Label] {
    let names = [("unit", row.name), ("cgroup", row.cgroup)]
    return [("row", row.kind.rawValue)] + names.compactMap { name, value in value.map { (name, $0) } }
  }

  private static func labels(_ part: SampleReport.Part) -> [MetricFamily.Label] {
    [("package", "\(part.package.package)")] + (part.package.die.map { [("die", "\($0)")] } ?? [])
      + [("domain", part.domain.rawValue)]
  }
}

/// A service's description and a sample.
public struct Observation: Sendable, Equatable {
  /// The description.
  public var info: ServiceInfo
  /// The sample.
  public var sample: SampleReport
  /// The energy of units up to this sample; nil if it is not exported.
  public var units: UnitCounters?

  /// An observation.
  public init(info: ServiceInfo, sample: SampleReport, units: UnitCounters? = nil) {
    (self.info, self.sample, self.units) = (info, sample, units)
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

extension Field.Value {
  /// The value as a metric, with watts and joules rounded as everyone may know them; nil for a text.
  fileprivate func metric(_ unit: String?) -> Double? {
    switch self {
    case .number(let number): unit == "watts" || unit == "joules" ? (number * 100).rounded() / 100 : number
    case .flag(let flag): flag ? 1 : 0
    case .text: nil
    }
  }
}
