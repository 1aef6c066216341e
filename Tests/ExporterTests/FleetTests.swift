import Exporter
import Formats
import Foundation
import PowerProtocol
import Testing

@Suite("Rules and dashboard")
struct FleetTests {
  private static let scripts = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "scripts")

  private struct Dashboard: Decodable {
    struct Panel: Decodable {
      struct Target: Decodable { var expr: String }
      var id: Int
      var title: String
      var targets: [Target]
    }
    struct Templating: Decodable {
      struct Variable: Decodable { var definition: String? }
      var list: [Variable]
    }
    var panels: [Panel]
    var templating: Templating
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOf: Self.scripts.appending(path: path), encoding: .utf8)
  }

  private let metrics = Set(Metrics.families(of: Examples.withUnits, version: "").map(\.sampleName))

  /// The names of ours that a query mentions; those that rules record have colons.
  private func names(in query: String) -> [String] {
    query.matches(of: /[a-z_:0-9]*pkg_watt_stat_[a-z_:0-9]*/).map { String($0.output) }
  }

  @Test("name only metrics that there are")
  func names() throws {
    let rules = try text("prometheus/rules.yml")
    let recorded = Set(rules.matches(of: /record: (\S+)/).map { String($0.output.1) })
    let dashboard = try JSONDecoder().decode(Dashboard.self, from: Data(text("grafana/dashboard.json").utf8))
    let queries =
      rules.matches(of: /expr: (.+)/).map { String($0.output.1) }
      + dashboard.panels.flatMap(\.targets).map(\.expr) + dashboard.templating.list.compactMap(\.definition)
    #expect(queries.count > 10 && recorded.count == 3)
    for query in queries {
      let names = names(in: query)
      #expect(!names.isEmpty, "\(query)")
      for name in names { #expect(metrics.union(recorded).contains(name), "\(name)") }
    }
  }

  @Test("sum nothing but packages")
  func sums() throws {
    let dashboard = try JSONDecoder().decode(Dashboard.self, from: Data(text("grafana/dashboard.json").utf8))
    let queries =
      try dashboard.panels.flatMap(\.targets).map(\.expr)
      + text("prometheus/rules.yml").split(separator: "\n").map(String.init)
    let sums = queries.filter { $0.contains("sum") && $0.contains("joules") && !$0.hasPrefix("#") }
    #expect(sums.count >= 5)
    for query in sums { #expect(query.contains(#"domain="package""#), "\(query)") }
  }

  @Test("panels have ids of their own, and say what they show")
  func panels() throws {
    let panels = try JSONDecoder().decode(Dashboard.self, from: Data(text("grafana/dashboard.json").utf8)).panels
    #expect(Set(panels.map(\.id)).count == panels.count)
    for panel in panels { #expect(!panel.title.isEmpty && !panel.targets.isEmpty) }
  }
}
