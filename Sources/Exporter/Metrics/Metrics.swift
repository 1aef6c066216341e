internal import PowerProtocol
internal import RAPL

/// The metrics of an observation.
public enum Metrics {
  private static let prefix = "pkg_watt_stat_"

  /// Everything that is known, and nothing that is not.
  ///
  /// Watts and joules are what everybody may know, whoever asked the service: rounded to 10 mW and 10 mJ. Of a stale
  /// sample neither is given: a scrape would stamp them with a time at which nothing was measured. When a counter began is
  /// not known, so there is no `_created`.
  ///
  /// - Parameters:
  ///   - observation: nil where the service did not answer.
  ///   - version: this program's.
  public static func families(of observation: Observation?, version: String) -> [MetricFamily] {
    let own = [
      family("up", .gauge, help: "Whether the service answered.", [.init(observation == nil ? 0 : 1)]),
      family("build", .info, help: "The program that wrote these metrics.", [.init(1, [.init("version", version)])]),
    ]
    return own + (observation.map { service($0) + (isFresh($0) ? energy($0.sample) : []) + health($0.sample) } ?? [])
  }

  private static func isFresh(_ observation: Observation) -> Bool { observation.sample.status != .stale }

  private static func service(_ observation: Observation) -> [MetricFamily] {
    let info = observation.info
    let labels: [(String, String?)] = [("version", info.version), ("source", info.source), ("cpu", info.cpu)]
    return [
      family(
        "service", .info, help: "The service that measures.",
        [.init(1, labels.compactMap { name, value in value.map { .init(name, $0) } })]),
      family(
        "simulated", .gauge, help: "Whether the watts and joules are invented.",
        [.init(observation.isSimulated ? 1 : 0)]),
      family(
        "fresh", .gauge, help: "Whether there is a recent sample; without one there are neither watts nor joules.",
        [.init(isFresh(observation) ? 1 : 0)]),
      family(
        "interval_seconds", .gauge, unit: "seconds", help: "From sample to sample.", [.init(info.intervalSeconds)]),
      family(
        "sample_timestamp_seconds", .gauge, unit: "seconds", help: "When the latest good sample ended, since 1970.",
        [.init(observation.sample.unixSeconds)]),
    ]
  }

  private static func energy(_ sample: SampleReport) -> [MetricFamily] {
    let parts = sample.packages.flatMap(parts)
    return [
      family(
        "power_watts", .gauge, unit: "watts",
        help: "The mean over the latest window. core and uncore are parts of the package, dram and psys are not.",
        parts.compactMap { part in part.watts.map { .init(rounded($0), part.labels) } }),
      family(
        "power_window_seconds", .gauge, unit: "seconds", help: "How long that window was.",
        [.init(sample.windowSeconds)]),
      family(
        "energy_joules", .counter, unit: "joules", help: "What was drawn since the service's start.",
        parts.map { .init(rounded($0.joules), $0.labels) }),
      family(
        "energy_lower_bound", .gauge,
        help: "Whether energy went by uncounted (a reset, a suspend), so that the joules are the least that was drawn.",
        parts.map { .init($0.isLowerBound ? 1 : 0, $0.labels) }),
    ]
  }

  private static func health(_ sample: SampleReport) -> [MetricFamily] {
    [
      family(
        "rejected_readings", .counter, help: "Readings of a counter that were implausible, and left out.",
        [.init(Double(sample.rejectedReadings))]),
      family(
        "service_cpu_seconds", .counter, unit: "seconds", help: "Processor time that the service has used.",
        [.init(sample.service.cpuSeconds)]),
      family(
        "service_wakeups", .counter, help: "How often the service woke up.", [.init(Double(sample.service.wakeups))]),
    ]
  }

  /// A package, or a domain of it, with what names it.
  private struct Part {
    let labels: [MetricFamily.Label]
    let watts: Double?
    let joules: Double
    let isLowerBound: Bool
  }

  private static func parts(_ package: SampleReport.Package) -> [Part] {
    func labels(_ domain: PowerDomain) -> [MetricFamily.Label] {
      [.init("package", "\(package.id.package)")] + (package.id.die.map { [.init("die", "\($0)")] } ?? [])
        + [.init("domain", domain.rawValue)]
    }
    let whole = Part(
      labels: labels(.package), watts: package.watts, joules: package.joules, isLowerBound: package.isLowerBound)
    return [whole]
      + PowerDomain.allCases.compactMap { domain in
        package.domains[domain].map {
          Part(labels: labels(domain), watts: $0.watts, joules: $0.joules, isLowerBound: $0.isLowerBound)
        }
      }
  }

  private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

  private static func family(
    _ name: String, _ kind: MetricFamily.Kind, unit: String? = nil, help: String, _ samples: [MetricFamily.Sample]
  ) -> MetricFamily {
    MetricFamily(prefix + name, kind, unit: unit, help: help, samples)
  }
}
