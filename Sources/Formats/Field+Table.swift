internal import Attribution
internal import PowerProtocol

extension Field {
  /// The table of everything that can be exported. Metrics, columns, placeholders and their help texts are made from it, in this
  /// order.
  public static let all: [Field] = [
    // The program and the service.
    .metric(.gauge("up"), "Whether the service answered.") { scrape in
      .init(value: scrape.observation == nil ? 0 : 1)
    },
    .metric(.info("build"), "The program that wrote these metrics.") { scrape in
      .init(value: 1, labels: [("version", scrape.version)])
    },
    .metric(.info("service"), "The service that measures.") { scrape in
      scrape.observation.map { .init(value: 1, labels: labels($0)) }
    },
    .metric(.gauge("simulated"), "Whether the watts and joules are invented.") { scrape in
      scrape.observation.map { .init(value: $0.isSimulated ? 1 : 0) }
    },
    .metric(.gauge("fresh"), "Whether there is a recent sample. Without one there are no watts and no joules.") {
      $0.observation.map { .init(value: $0.isFresh ? 1 : 0) }
    },
    .metric(.gauge("interval_seconds"), unit: "seconds", "Time between samples.") { scrape in
      scrape.observation.map { .init(value: $0.info.intervalSeconds) }
    },

    // The sample, its packages and their domains. The watts of a stale sample belong to an earlier time, so they are left out.
    .sample(
      "timestamp", unit: "seconds", "When the latest good sample ended, in seconds since 1970.",
      .gauge("sample_timestamp_seconds")
    ) { .number($0.unixSeconds) },
    .sample("status", "Whether the watts are ok, stale or simulated.", isNumber: false) { .text($0.status.rawValue) },
    .part(
      "watts", unit: "watts",
      "Mean power over the latest window. core and uncore are parts of the package; dram and psys are not.",
      isNumber: true, .gauge("power_watts", freshOnly: true)
    ) { sample, part in sample.status == .stale ? nil : part.drawn.watts.map { .number($0) } },
    .sample(
      "window_seconds", unit: "seconds", "Length of the latest window.", .gauge("power_window_seconds", freshOnly: true)
    ) { $0.status == .stale ? nil : .number($0.windowSeconds) },
    .sample("watts", unit: "watts", "Mean power over the latest window, summed over all packages.") {
      $0.status == .stale ? nil : .number($0.watts)
    },
    .sample("joules", unit: "joules", "Energy drawn since the service's start, summed over all packages.") {
      .number($0.joules)
    },
    .part(
      "joules", unit: "joules", "Energy drawn since the service's start.", isNumber: true,
      .counter("energy_joules", freshOnly: true)
    ) { .number($1.drawn.joules) },
    .sample("lower_bound", "Whether any of the joules are a lower bound.", isNumber: false) { .flag($0.isLowerBound) },
    .part(
      "lower_bound",
      "Whether the joules are a lower bound, because some energy could not be counted (a reset, a suspend).",
      isNumber: false, .gauge("energy_lower_bound", freshOnly: true)
    ) { .flag($1.drawn.isLowerBound) },
    .sample(
      "rejected_readings", "Implausible readings of counters, which were ignored.", .counter("rejected_readings")
    ) { .number(Double($0.rejectedReadings)) },
    .sample("sequence", "Number of the sample in its stream.", isColumn: false) { .number(Double($0.sequence)) },
    // A sentence may have commas, but no cell may.
    .sample("reason", "Why the status is not ok.", isNumber: false, isColumn: false) { .text($0.reason ?? "") },

    // Who drew it, if units are exported. Their rows add up to the packages.
    .unit(
      .counter("unit_energy_joules", freshOnly: true), unit: "joules",
      "Energy of a unit, gained while it is one of those that draw most; other, idle and not_attributed are the rest. An estimate by CPU time."
    ) { Double($0.microjoules) / 1e6 },
    .unit(
      .gauge("unit_power_watts", freshOnly: true), unit: "watts",
      "Mean power of a unit since the scrape before; other, idle and not_attributed are the rest. An estimate by CPU time."
    ) { row in row.centiwatts.map { Double($0) / 100 } },
    .metric(
      .gauge("unit_power_window_seconds", freshOnly: true), unit: "seconds",
      "Time between the latest scrape and the one before."
    ) { scrape in scrape.observation?.units?.windowSeconds.map { .init(value: ($0 * 1000).rounded() / 1000) } },

    // The cost of the service itself.
    .metric(.counter("service_cpu_seconds"), unit: "seconds", "Processor time that the service has used.") { scrape in
      scrape.observation.map { .init(value: $0.sample.service.cpuSeconds) }
    },
    .metric(.counter("service_wakeups"), "Number of times the service woke up.") { scrape in
      scrape.observation.map { .init(value: Double($0.sample.service.wakeups)) }
    },
  ]

  /// The fields of the whole sample that have a name.
  static let ofSample = all.filter { $0.name != nil && !$0.isOfParts }
  /// The fields of each package and domain.
  static let ofParts = all.filter(\.isOfParts)

  private static func labels(_ observation: Observation) -> [MetricFamily.Label] {
    let info = observation.info
    let labels: [(String, String?)] = [("version", info.version), ("source", info.source), ("cpu", info.cpu)]
    return labels.compactMap { name, value in value.map { (name, $0) } }
  }
}
