import RAPL
import Testing

@Suite("Doubles as integers")
struct ClampingTests {
  @Test(
    "every number becomes one",
    arguments: [
      (0, 0), (-0.0, 0), (1.999, 1), (-1.999, -1), (1e15, 1_000_000_000_000_000), (.leastNonzeroMagnitude, 0),
      // The last below 2^63, and 2^63 itself, which is one too many.
      (9_223_372_036_854_774_784, 9_223_372_036_854_774_784), (9_223_372_036_854_775_808, .max),
      (-9_223_372_036_854_775_808, .min), (1e300, .max), (-1e300, .min), (.infinity, .max), (-.infinity, .min),
      (.nan, 0),
      (.signalingNaN, 0),
    ] as [(Double, Int64)])
  func signed(number: Double, expected: Int64) {
    #expect(Int64(clamping: number) == expected)
  }

  @Test("an unsigned one has 0 as its lower bound", arguments: [-0.5, -1, -1e300, -.infinity, .nan] as [Double])
  func unsigned(number: Double) {
    #expect(UInt64(clamping: number) == 0 && UInt8(clamping: number) == 0)
    #expect(UInt64(clamping: -number) == (number <= -1 ? UInt64(clamping: number.magnitude) : 0))
    #expect(UInt8(clamping: 255.9) == 255 && UInt8(clamping: 256) == 255 && Int32(clamping: 1e10) == .max)
  }

  @Test("seconds stay small enough to be added to any clock", arguments: [1e10, 1e300, .infinity] as [Double])
  func seconds(seconds: Double) {
    let span = Int64(nanosecondsIn: seconds)
    #expect(span == .max / 4 && Int64(nanosecondsIn: -seconds) == -span)
    // The time of day until 2255, or any deadline, and several spans.
    #expect(!Int64(nanosecondsIn: 2.3e9).addingReportingOverflow(3 * span).overflow)
    #expect(Int64(nanosecondsIn: 0.25) == 250_000_000 && Int64(nanosecondsIn: .nan) == 0)
  }
}
