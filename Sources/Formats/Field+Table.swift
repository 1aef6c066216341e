internal import PowerProtocol

extension Field {
  /// The table of all that can be exported: metrics, columns, placeholders, and what the program says of them, are made from it.
  /// In this order they are written.
  public static let all: [Field] = [
    // The program and the service.
    .metric(.gauge("up"), "Whether the service answered.") { scrape in
      .init(scrape.observation == nil ? 0 : 1)
    },
    .metric(.info("build"), "The program that wrote these metrics.") { scrape in
      .init(1, [.init("version", scrape.version)])
    },
    .metric(.info("service"), "The service that measures.") { scrape in
      scrape.observation.map { .init(1, labels($0)) }
    },
    .metric(.gauge("simulated"), "Whether the watts and joules are invented.") { scrape in
      scrape.observation.map { .init($0.isSimulated ? 1 : 0) }
    },
    .metric(.gauge("fresh"), "Whether there is a recent sample; without one there are neither watts nor joules.") {
      $0.observation.map { .init($0.isFresh ? 1 : 0) }
    },
    .metric(.gauge("interval_seconds"), unit: "seconds", "From sample to sample.") { scrape in
      scrape.observation.map { .init($0.info.intervalSeconds) }
    },

    // The sample, its packages and their domains. The watts of a stale sample are of a time before, so they are not given.
    .number(
      "timestamp", unit: "seconds", "When the latest good sample ended, since 1970.",
      .gauge("sample_timestamp_seconds")
    ) { $0.unixSeconds },
    .text("status", "How much the watts are worth: ok, stale or simulated.") { $0.status.rawValue },
    .part(
      "watts", unit: "watts",
      "The mean over the latest window. core and uncore are parts of the package, dram and psys are not.",
      isNumber: true, .gauge("power_watts", freshOnly: true)
    ) { sample, part in sample.status == .stale ? nil : part.watts.map { .number($0) } },
    .number(
      "window_seconds", unit: "seconds", "How long that window was.", .gauge("power_window_seconds", freshOnly: true)
    ) { $0.status == .stale ? nil : $0.windowSeconds },
    .number("watts", unit: "watts", "The mean over the latest window, summed over all packages.") {
      $0.status == .stale ? nil : $0.watts
    },
    .number("joules", unit: "joules", "What was drawn since the service's start, summed over all packages.") {
      $0.joules
    },
    .part(
      "joules", unit: "joules", "What was drawn since the service's start.", isNumber: true,
      .counter("energy_joules", freshOnly: true)
    ) { .number($1.joules) },
    .flag("lower_bound", "Whether any of the joules are the least that was drawn.") { $0.isLowerBound },
    .part(
      "lower_bound",
      "Whether energy went by uncounted (a reset, a suspend), so that the joules are the least that was drawn.",
      isNumber: false, .gauge("energy_lower_bound", freshOnly: true)
    ) { .flag($1.isLowerBound) },
    .number(
      "rejected_readings", "Readings of a counter that were implausible, and left out.", .counter("rejected_readings")
    ) { Double($0.rejectedReadings) },
    .number("sequence", "Numbers the samples of a stream.", isColumn: false) { Double($0.sequence) },
    // A sentence may have commas, which no cell has.
    .text("reason", "Why the status is not ok.", isColumn: false) { $0.reason ?? "" },

    // What the service itself costs.
    .metric(.counter("service_cpu_seconds"), unit: "seconds", "Processor time that the service has used.") { scrape in
      scrape.observation.map { .init($0.sample.service.cpuSeconds) }
    },
    .metric(.counter("service_wakeups"), "How often the service woke up.") { scrape in
      scrape.observation.map { .init(Double($0.sample.service.wakeups)) }
    },
  ]

  /// Those of the whole sample that have a name.
  static let ofSample = all.filter { $0.name != nil && !$0.isOfParts }
  /// Those of each package and domain.
  static let ofParts = all.filter(\.isOfParts)

  private static func labels(_ observation: Observation) -> [MetricFamily.Label] {
    let info = observation.info
    let labels: [(String, String?)] = [("version", info.version), ("source", info.source), ("cpu", info.cpu)]
    return labels.compactMap { name, value in value.map { .init(name, $0) } }
  }
}
