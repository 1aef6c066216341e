import Formats
import Foundation
import PowerProtocol
import RAPL
import Testing

@Suite("A table of samples")
struct TableTests {
  private let table = SampleTable(Examples.info)

  @Test("has the columns of what the service measures")
  func header() {
    #expect(
      table.header
        == "timestamp,status,window_seconds,watts,joules,lower_bound,rejected_readings,"
        + "package0.watts,package0.joules,package0.lower_bound,package0.core.watts,package0.core.joules,"
        + "package0.core.lower_bound,package0.dram.watts,package0.dram.joules,package0.dram.lower_bound,"
        + "package1.die1.watts,package1.die1.joules,package1.die1.lower_bound")
  }

  @Test(
    "has a row for each sample; what was not measured is empty",
    arguments: [
      (
        Examples.sample,
        "1640995200.125,ok,1,59.75,12345.67,true,3,42.5,8781.42,false,29.7512345,6147,false,,0.5,true,17.25,3564.25,true"
      ),
      (
        Examples.sample(.stale, reason: "A sentence, with a comma."),
        "1640995200.125,stale,,,12345.67,true,3,,8781.42,false,,6147,false,,0.5,true,,3564.25,true"
      ),
    ])
  func row(sample: SampleReport, expected: String) {
    #expect(table.row(sample) == expected)
    #expect(expected.filter { $0 == "," }.count == table.header.filter { $0 == "," }.count)
  }

  @Test("keeps its columns where a package is missing")
  func missing() {
    var sample = Examples.sample
    sample.packages.removeFirst()
    #expect(table.row(sample) == "1640995200.125,ok,1,59.75,12345.67,true,3,,,,,,,,,,17.25,3564.25,true")
  }
}

@Suite("A template")
struct TemplateTests {
  @Test(
    "is filled with a sample's values",
    arguments: [
      ("", ""), ("plain", "plain"), ("{watts}", "59.75"), ("{watts} W {package0.core.watts}", "59.75 W 29.7512345"),
      ("{watts:.1f}|{package0.core.watts:.0f}|{joules:.3f}", "59.8|30|12345.670"), ("{{{watts}}}", "{59.75}"),
      ("{{}}", "{}"), ("{package1.die1.joules}", "3564.25"), ("{package0.dram.watts:.1f}", "?"), ("ü{status}", "üok"),
      ("{package0.dram.lower_bound}{lower_bound}", "truetrue"), ("{timestamp} {sequence}", "1640995200.125 12"),
      ("{window_seconds}{rejected_readings}[{reason}]", "13[]"),
    ])
  func filled(template: String, expected: String) throws {
    let template = try SampleTemplate(template)
    try template.check(Examples.info)
    #expect(template.text(Examples.sample) == expected)
  }

  @Test("gives no watts for a stale sample")
  func stale() throws {
    let template = try SampleTemplate("{watts} {package0.watts} {status} {joules} {reason}")
    #expect(template.text(Examples.sample(.stale, reason: "Why.")) == "? ? stale 12345.67 Why.")
  }

  @Test(
    "with a placeholder that no machine has is refused",
    arguments: [
      ("{wats}", TemplateError.unknown("wats")), ("{}", .unknown("")), ("{package0}", .unknown("package0")),
      ("{package.watts}", .unknown("package.watts")), ("{package-1.watts.}", .unknown("package-1.watts.")),
      ("{package0.gpu.watts}", .unknown("package0.gpu.watts")), ("{package00.watts}", .unknown("package00.watts")),
      ("{package0.package.watts}", .unknown("package0.package.watts")), ("{watts", .unclosed("watts")),
      ("a}b", .unopened), ("{status:.2f}", .notANumber("status", format: ".2f")),
      ("{package0.lower_bound:.0f}", .notANumber("package0.lower_bound", format: ".0f")),
      ("{watts:}", .format("")), ("{watts:.1}", .format(".1")), ("{watts:.99f}", .format(".99f")),
      ("{watts:1f}", .format("1f")), ("{ watts}", .unknown(" watts")), ("{a{b}}", .unknown("a{b")),
      ("{package0..watts}", .unknown("package0..watts")),
      ("{package99999999999999999999.watts}", .unknown("package99999999999999999999.watts")),
    ])
  func refused(template: String, error: TemplateError) {
    #expect(throws: error) { try SampleTemplate(template) }
  }

  @Test("with a placeholder that this machine has not is refused, and told what there is")
  func absent() throws {
    for name in ["package7.watts", "package0.psys.watts", "package1.watts", "package0.die0.watts"] {
      let template = try SampleTemplate("{\(name)}")
      let error = #expect(throws: TemplateError.self) { try template.check(Examples.info) }
      let sentence = error?.description ?? ""
      #expect(sentence.contains("{\(name)}") && sentence.contains("{package1.die1.watts}"), "\(sentence)")
    }
  }

  @Test("names each field as the table does")
  func names() {
    for name in SampleField.parts(of: Examples.info).map(\.name) + SampleTemplate.names {
      #expect(SampleField(name)?.name == name)
    }
  }
}

@Suite("A waybar module")
struct WaybarTests {
  private struct Module: Decodable, Equatable {
    var text: String
    var tooltip: String
    var `class`: String
    var percentage: Int?
  }

  private func module(_ line: String) throws -> Module {
    #expect(!line.contains("\n"))
    return try JSONDecoder().decode(Module.self, from: Data(line.utf8))
  }

  @Test("shows the watts, and in the tooltip packages and domains")
  func ok() throws {
    let tooltip = """
      59.8 W
      package 0: 42.5 W
        core: 29.8 W
        DRAM: not readable
      package 1 die 1: 17.3 W
      """
    #expect(try module(WaybarModule.line(Examples.sample)) == Module(text: "59.8 W", tooltip: tooltip, class: "ok"))
  }

  @Test("says what the watts are worth", arguments: [PowerLine.Status.stale, .simulated])
  func status(_ status: PowerLine.Status) throws {
    let module = try module(WaybarModule.line(Examples.sample(status, reason: "A < B & \"C\".")))
    #expect(module.text == "59.8 W (\(status.rawValue))" && module.class == status.rawValue)
    #expect(module.tooltip.contains("A &lt; B &amp; \"C\"."))
  }

  @Test("says that there are no watts, and why")
  func absence() throws {
    let expected = Module(text: "no watts", tooltip: "Nothing came from a&lt;b.", class: "unavailable")
    #expect(try module(WaybarModule.absence("Nothing came from a<b.")) == expected)
  }
}
