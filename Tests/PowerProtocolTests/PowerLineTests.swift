import Foundation
import PowerProtocol
import RAPL
import Testing

private func text(_ line: PowerLine) -> String { String(decoding: line.encoded, as: UTF8.self) }

@Suite("A line of protocol version 1")
struct PowerLineTests {
  @Test(
    "is written as Python's json.dumps writes it",
    arguments: [
      (1520, 1_640_995_200_123, "15.2", "1640995200.123"), (0, 0, "0.0", "0.0"), (1, 1, "0.01", "0.001"),
      (10, 10, "0.1", "0.01"), (100, 1000, "1.0", "1.0"), (4250, 1_640_995_200_100, "42.5", "1640995200.1"),
      (123_456, 1_640_995_200_000, "1234.56", "1640995200.0"), (99_999_999, -1500, "999999.99", "-1.5"),
      (5, -1, "0.05", "-0.001"), (120, 60_050, "1.2", "60.05"),
    ] as [(Int64, Int64, String, String)])
  func encoding(centiwatts: Int64, milliseconds: Int64, watts: String, timestamp: String) {
    let line = PowerLine(centiwatts: centiwatts, unixMilliseconds: milliseconds, status: .ok)
    #expect(text(line) == #"{"power_watts": \#(watts), "timestamp": \#(timestamp), "status": "ok"}"# + "\n")
  }

  @Test(
    "has as many digits after the point for people, whatever the watts",
    arguments: [
      (0, "0.00 W"), (5, "0.05 W"), (4250, "42.50 W"), (4200, "42.00 W"), (4251, "42.51 W"), (123_450, "1234.50 W"),
    ])
  func steady(centiwatts: Int64, text: String) {
    #expect(PowerLine(centiwatts: centiwatts, unixMilliseconds: 0, status: .ok).wattsText == text)
  }

  @Test("stays below 1,024 bytes and ASCII, whatever it holds")
  func extremes() {
    for status in [PowerLine.Status.ok, .stale, .simulated] {
      for (centiwatts, milliseconds) in [(Int64.max, Int64.min), (Int64.min, Int64.max)] {
        let bytes = PowerLine(centiwatts: centiwatts, unixMilliseconds: milliseconds, status: status).encoded
        #expect(bytes.count <= PowerLine.mostBytes && bytes.allSatisfy { $0 < 128 })
        #expect(bytes.last == UInt8(ascii: "\n") && bytes.filter { $0 == UInt8(ascii: "\n") }.count == 1)
      }
    }
  }

  @Test(
    "rounds watts to 0.01 and times to milliseconds",
    arguments: [
      (15.204, 1_499_999, 1520, 1), (15.206, 1_500_000, 1521, 2), (0.004, -1_500_001, 0, -2), (0, 0, 0, 0),
    ] as [(Double, Int64, Int64, Int64)])
  func rounding(watts: Double, nanoseconds: Int64, centiwatts: Int64, milliseconds: Int64) throws {
    let line = try #require(PowerLine(sample(watts, unix: nanoseconds), status: .ok))
    #expect(line.centiwatts == centiwatts && line.unixMilliseconds == milliseconds)
  }

  @Test("does not exist for watts that are none", arguments: [.nan, .infinity, -.infinity, -0.01, 1e15])
  func notANumber(watts: Double) {
    #expect(PowerLine(sample(watts, unix: 0), status: .ok) == nil)
  }

  @Test("reads back as it was written", arguments: [PowerLine.Status.ok, .stale, .simulated])
  func roundTrip(status: PowerLine.Status) throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      let line = PowerLine(
        centiwatts: .random(in: 0...10_000_000, using: &generator),
        unixMilliseconds: .random(in: -10_000_000...4_000_000_000_000, using: &generator), status: status)
      #expect(try JSONDecoder().decode(PowerLine.self, from: Data(line.encoded)) == line)
    }
  }

  @Test("is read in any order, with fields of later versions")
  func foreignOrder() throws {
    let json = #"{"status":"stale","domains":[1],"timestamp":7,"power_watts":3}"#
    let line = try JSONDecoder().decode(PowerLine.self, from: Data(json.utf8))
    #expect(line == PowerLine(centiwatts: 300, unixMilliseconds: 7000, status: .stale))
  }

  @Test(
    "is not read from what is none",
    arguments: [
      "{}", "[]", "", #"{"power_watts": null, "timestamp": 1, "status": "ok"}"#,
      #"{"power_watts": "3", "timestamp": 1, "status": "ok"}"#, #"{"power_watts": -1, "timestamp": 1, "status": "ok"}"#,
      #"{"power_watts": 1e300, "timestamp": 1, "status": "ok"}"#,
      #"{"power_watts": 1, "timestamp": 1e300, "status": "ok"}"#,
      #"{"power_watts": 1, "timestamp": 1, "status": "fine"}"#, #"{"power_watts": 1, "status": "ok"}"#,
    ])
  func junk(json: String) {
    #expect(throws: (any Error).self) { try JSONDecoder().decode(PowerLine.self, from: Data(json.utf8)) }
  }

  private func sample(_ watts: Double, unix: Int64) -> PowerSample {
    PowerSample(
      watts: watts, windowNanoseconds: 1, endMonotonicNanoseconds: 1, endUnixNanoseconds: unix)
  }
}
