import Formatting
import Foundation
import PowerProtocol
import RAPL
import Testing

@testable import Formats

/// The table of fields is the only place that says what can be exported: each format has all of it, and so do the pages.
@Suite("The table of what can be exported")
struct FieldTests {
  private static let named = Field.all.filter { $0.name != nil }
  private static let metrics = Field.all.filter { $0.metric != nil }

  @Test("is all that the columns are made from, for the sample and for each part of the machine")
  func columns() throws {
    let header = SampleTable(Examples.info).header.split(separator: ",").map(String.init)
    let sample = Self.named.filter { $0.isColumn && !$0.isOfParts }.compactMap(\.name)
    let parts = ["package0", "package0.core", "package0.dram", "package1.die1"].flatMap { part in
      Self.named.filter(\.isOfParts).compactMap(\.name).map { "\(part).\($0)" }
    }
    #expect(header == sample + parts)
  }

  @Test("has a placeholder for each field, of the kind that the table says", arguments: named)
  func placeholder(field: Field) throws {
    let name = (field.isOfParts ? "package0.core." : "") + (field.name ?? "")
    let template = try SampleTemplate("{\(name)}")
    try template.check(Examples.info)
    #expect(template.text(Examples.sample(.ok, reason: "Why.")) != "?")
    let formatted = Result { try SampleTemplate("{\(name):.1f}") }
    #expect(((try? formatted.get()) != nil) == field.isNumber)
    #expect("\(TemplateError.unknown("x"))".contains(field.isOfParts ? ".\(field.name ?? "")}" : "{\(name)}"))
  }

  @Test("has the names that the service's own samples have", arguments: named)
  func json(field: Field) throws {
    let text = Examples.sample.object.text
    let object = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let package = try #require((object["packages"] as? [[String: Any]])?.first)
    let name = try #require(field.name)
    #expect((field.isOfParts ? package : object)[name] != nil)
  }

  @Test("is all that metrics are made from", arguments: MetricsFormat.allCases)
  func families(format: MetricsFormat) {
    let families = Metrics.families(of: Examples.withUnits, version: "1")
    #expect(families.map(\.sampleName) == Self.metrics.compactMap(\.metricName))
    for (family, field) in zip(families, Self.metrics) {
      #expect(family.help == field.help && family.unit == field.unit && family.kind == field.metric?.kind)
      // As Prometheus names metrics: with the unit at the end.
      if let unit = field.unit { #expect(family.name.hasSuffix("_\(unit)")) }
      #expect(format.text(families).contains("\n\(family.sampleName)") && !family.samples.isEmpty)
    }
  }

  @Test("has each name once")
  func unique() {
    for names in [
      Self.named.filter(\.isOfParts).map(\.name), Self.named.filter { !$0.isOfParts }.map(\.name),
      Self.metrics.map(\.metricName),
    ] {
      #expect(Set(names).count == names.count)
    }
  }

  @Test(
    "is what the pages explain",
    arguments: ["scripts/packaging/pkg-watt-stat.8", "Sources/pkg-watt-stat/pkg-watt-stat.docc/Integrations.md"])
  func pages(path: String) throws {
    var top = URL(filePath: #filePath)
    for _ in 0..<3 { top.deleteLastPathComponent() }
    let page = try String(contentsOf: top.appending(path: path), encoding: .utf8)
    let words = Set(page.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init))
    for field in Field.all {
      for name in [field.name, field.metricName].compactMap(\.self) {
        #expect(words.contains(name), "\(path) does not explain \(name)")
      }
    }
  }
}

@Suite("A writer of samples")
struct SampleWriterTests {
  @Test(
    "writes each format, a line feed behind each sample, and a header for rows only", arguments: ExportFormat.allCases)
  func text(format: ExportFormat) throws {
    let template = format == .template ? try SampleTemplate("{watts} W") : nil
    let writer = try SampleWriter(format, Examples.info, template: template, version: "1")
    #expect(writer.header.isEmpty == (format != .csv))
    let ends: [ExportFormat: String] = [
      .openmetrics: "# EOF\n", .prometheus: "pkg_watt_stat_service_wakeups_total 123\n", .template: "59.75 W\n",
      .csv: ",17.25,3564.25,true\n", .json: "\"wakeups\": 123}}\n", .waybar: "\"class\": \"ok\"}\n",
    ]
    let end = try #require(ends[format])
    #expect(writer.text(Examples.sample).hasSuffix(end))
  }

  @Test(
    "says that there is no service where somebody would go on seeing what once was", arguments: ExportFormat.allCases)
  func absence(format: ExportFormat) {
    let text = SampleWriter.absence(format, "Nobody answers.", version: "1")
    switch format {
    case .openmetrics, .prometheus: #expect(text?.contains("pkg_watt_stat_up 0\n") == true)
    case .waybar: #expect(text?.contains("Nobody answers.") == true)
    case .csv, .json, .template: #expect(text == nil)
    }
  }

  @Test("refuses a template that the service cannot fill")
  func absent() throws {
    let template = try SampleTemplate("{package7.watts}")
    #expect(throws: TemplateError.self) {
      try SampleWriter(.template, Examples.info, template: template, version: "1")
    }
  }
}
