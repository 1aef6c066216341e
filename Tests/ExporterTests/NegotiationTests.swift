import Exporter
import Formats
import Testing

@Suite("What a scraper accepts")
struct NegotiationTests {
  @Test(
    "decides the format, by quality and by how precisely a range names it",
    arguments: [
      ("", MetricsFormat.classic), ("*/*", .classic), ("text/plain", .classic), ("application/json", .classic),
      ("application/openmetrics-text", .openMetrics), ("Application/OpenMetrics-Text; Version=1.0.0", .openMetrics),
      ("application/openmetrics-text;version=0.0.1", .classic),
      ("application/openmetrics-text;version=2.0.0", .classic),
      // Prometheus 2 and 3.
      (
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
          + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics
      ),
      (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
          + "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
          + "text/plain;version=0.0.4;q=0.2,*/*;q=0.1", .openMetrics
      ),
      ("text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.8", .classic),
      ("text/plain;version=0.0.4;q=0.8,application/openmetrics-text;q=0.9", .openMetrics),
      ("text/plain;q=0.5,application/openmetrics-text;q=0.5", .classic),
      ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", .classic),
      ("application/*;q=0.9,*/*;q=0.1", .openMetrics), ("text/*;q=0.1,*/*;q=0.9", .openMetrics),
      ("application/openmetrics-text;q=0,*/*", .classic), ("*/*;q=0", .classic),
      // The more precise range decides, also where it gives less.
      ("application/openmetrics-text;q=0.2,application/*;q=0.9,text/plain;q=0.5", .classic),
      (#"application/openmetrics-text; version="1.0.0"; charset=UTF-8 , text/plain;q=0.9"#, .openMetrics),
      // What is no media range says nothing.
      ("application/openmetrics-text;q=2,text/plain;q=0.1", .classic), (";;,=/,//,*/plain,text", .classic),
      ("application/openmetrics-text;q=nan", .classic),
    ])
  func format(accept: String, expected: MetricsFormat) {
    #expect(MetricsFormat.preferred(accept: accept.split(separator: ",")) == expected)
  }
}
