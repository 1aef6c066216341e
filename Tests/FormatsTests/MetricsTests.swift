import PowerProtocol
import Testing

@testable import Formats

private let parts = [
  #"package="0",domain="package""#, #"package="0",domain="core""#, #"package="0",domain="dram""#,
  #"package="1",die="1",domain="package""#,
]

private func lines(_ format: MetricsFormat, _ observation: Observation?) -> [String] {
  format.text(Metrics.families(of: observation, version: "0.1.0")).split(separator: "\n").map(String.init)
}

/// Whether a line is a value of a family.
private func isValue(_ line: String, of names: [String]) -> Bool {
  names.contains { line.hasPrefix("pkg_watt_stat_\($0){") || line.hasPrefix("pkg_watt_stat_\($0) ") }
}

@Suite("The metrics")
struct MetricsTests {
  @Test("are base units and counters for each package and domain", arguments: MetricsFormat.allCases)
  func values(format: MetricsFormat) {
    let lines = lines(format, Examples.observation)
    for line in [
      "pkg_watt_stat_up 1", #"pkg_watt_stat_build_info{version="0.1.0"} 1"#, "pkg_watt_stat_fresh 1",
      #"pkg_watt_stat_service_info{version="1.2.3",source="msr",cpu="A \"C\\P\"U"} 1"#, "pkg_watt_stat_simulated 0",
      "pkg_watt_stat_interval_seconds 1", "pkg_watt_stat_sample_timestamp_seconds 1640995200.125",
      "pkg_watt_stat_power_watts{\(parts[0])} 42.5", "pkg_watt_stat_power_watts{\(parts[1])} 29.75",
      "pkg_watt_stat_power_watts{\(parts[3])} 17.25", "pkg_watt_stat_power_window_seconds 1",
      "pkg_watt_stat_energy_joules_total{\(parts[0])} 8781.42", "pkg_watt_stat_energy_joules_total{\(parts[1])} 6147",
      "pkg_watt_stat_energy_joules_total{\(parts[2])} 0.5", "pkg_watt_stat_energy_joules_total{\(parts[3])} 3564.25",
      "pkg_watt_stat_energy_lower_bound{\(parts[0])} 0", "pkg_watt_stat_energy_lower_bound{\(parts[2])} 1",
      "pkg_watt_stat_rejected_readings_total 3", "pkg_watt_stat_service_cpu_seconds_total 0.125",
      "pkg_watt_stat_service_wakeups_total 123",
    ] {
      #expect(lines.contains(line), "\(line)")
    }
    // A domain that cannot be read has no watts.
    #expect(!lines.contains { $0.hasPrefix("pkg_watt_stat_power_watts{\(parts[2])}") })
  }

  @Test(
    "have a row for each unit that is shown, whatever its name, and for the rest", arguments: MetricsFormat.allCases)
  func units(format: MetricsFormat) throws {
    let lines = lines(format, Examples.withUnits)
    let hostile =
      #"row="unit",unit="a \"b\",row=\"idle\"} 7 # \\n \#u{1B}[31m\npkg_watt_stat_up 0.service""#
      + #",cgroup="/a \"b\",row=\"idle\"} 7 # \\n \\x1b[31m\\x0apkg_watt_stat_up 0.service""#
    let nginx = #"row="unit",unit="nginx.service",cgroup="/system.slice/nginx.service""#
    for line in [
      "pkg_watt_stat_unit_energy_joules_total{\(nginx)} 10.002",
      "pkg_watt_stat_unit_energy_joules_total{\(hostile)} 7.5015",
      #"pkg_watt_stat_unit_energy_joules_total{row="other"} 12.5005"#,
      #"pkg_watt_stat_unit_energy_joules_total{row="idle"} 0"#,
      #"pkg_watt_stat_unit_energy_joules_total{row="not_attributed"} 0"#,
      "pkg_watt_stat_unit_power_watts{\(nginx)} 5", "pkg_watt_stat_unit_power_watts{\(hostile)} 3.75",
      #"pkg_watt_stat_unit_power_watts{row="other"} 1.25"#, "pkg_watt_stat_unit_power_window_seconds 2",
    ] {
      #expect(lines.contains(line), "\(line) in \(lines.filter { $0.contains("unit") })")
    }
    #expect(lines.filter { $0.hasPrefix("pkg_watt_stat_up ") } == ["pkg_watt_stat_up 1"])
    let without = format.text(Metrics.families(of: Examples.observation, version: ""))
    #expect(!without.contains("unit_"))
  }

  @Test("say in the classic format what each sample's name is")
  func classic() {
    let lines = lines(.classic, Examples.observation)
    #expect(lines.contains("# TYPE pkg_watt_stat_energy_joules_total counter"))
    #expect(lines.contains("# TYPE pkg_watt_stat_build_info gauge"))
    #expect(!lines.contains { $0.hasPrefix("# UNIT") || $0.hasPrefix("# EOF") })
  }

  @Test("say in OpenMetrics the family's name and unit, and end with # EOF")
  func openMetrics() {
    let lines = lines(.openMetrics, Examples.observation)
    #expect(lines.contains("# TYPE pkg_watt_stat_energy_joules counter"))
    #expect(lines.contains("# UNIT pkg_watt_stat_energy_joules joules"))
    #expect(lines.contains("# TYPE pkg_watt_stat_build info"))
    #expect(lines.firstIndex(of: "# EOF") == lines.count - 1)
    #expect(!lines.contains { $0.contains("_created") })
    for line in lines where line.hasPrefix("# UNIT") {
      let words = line.split(separator: " ")
      #expect(words[2].hasSuffix("_" + words[3]))
    }
  }

  @Test("without the service say only that, and which program says it", arguments: MetricsFormat.allCases)
  func noService(format: MetricsFormat) {
    let values = lines(format, nil).filter { !$0.hasPrefix("#") }
    #expect(values == ["pkg_watt_stat_up 0", #"pkg_watt_stat_build_info{version="0.1.0"} 1"#])
  }

  @Test("of a stale sample are neither watts nor joules", arguments: MetricsFormat.allCases)
  func stale(format: MetricsFormat) {
    let lines = lines(format, Observation(info: Examples.info, sample: Examples.sample(.stale), units: Examples.units))
    let withheld = [
      "power_watts", "power_window_seconds", "energy_joules_total", "energy_lower_bound", "unit_energy_joules_total",
      "unit_power_watts", "unit_power_window_seconds",
    ]
    #expect(lines.contains("pkg_watt_stat_up 1") && lines.contains("pkg_watt_stat_fresh 0"))
    #expect(!lines.contains { isValue($0, of: withheld) })
    #expect(lines.contains("pkg_watt_stat_rejected_readings_total 3"))
  }

  @Test("tell a simulation, whoever says it", arguments: [(true, PowerLine.Status.ok), (false, .simulated)])
  func simulated(source: Bool, status: PowerLine.Status) {
    var observation = Observation(info: Examples.info, sample: Examples.sample(status))
    observation.info.isSimulated = source
    #expect(lines(.classic, observation).contains("pkg_watt_stat_simulated 1"))
  }

  @Test(
    "labels and numbers are written as the formats say",
    arguments: [
      ("a\"b\\c\nd", 0.5, #"x{l="a\"b\\c\nd"} 0.5"#), ("é{}", -1, #"x{l="é{}"} -1"#), ("", 1e21, #"x{l=""} 1e+21"#),
      ("", 1e-7, #"x{l=""} 1e-07"#), ("", .infinity, #"x{l=""} +Inf"#), ("", -.infinity, #"x{l=""} -Inf"#),
      ("", .nan, #"x{l=""} NaN"#), ("", 1e14, #"x{l=""} 100000000000000"#),
    ])
  func writing(label: String, value: Double, line: String) {
    let family = MetricFamily(
      name: "x", kind: .gauge, help: "A \\ and\nmore.", samples: [.init(value: value, labels: [("l", label)])])
    #expect(MetricsFormat.classic.text([family]) == "# HELP x A \\\\ and\\nmore.\n# TYPE x gauge\n\(line)\n")
  }
}
