import Formatting
import Testing

@Suite("Numbers for people")
struct NumbersTests {
  @Test(
    "are rounded to their places",
    arguments: [
      (42.55, 1, "42.6"), (0.04, 1, "0.0"), (-0.06, 1, "-0.1"), (1.005, 0, "1"), (3, 2, "3.00"), (7.05, 2, "7.05"),
      (.nan, 1, "nan"), (.infinity, 1, "inf"), (1e300, 1, "1e+300"), (1e10, 9, "10000000000.0"),
      (-1e15, 6, "-1000000000000000.0"),
    ])
  func fixed(number: Double, places: Int, expected: String) {
    #expect(Numbers.fixed(number, places: places) == expected)
  }

  @Test(
    "have no zeros at the end, but keep those that count",
    arguments: [
      (42.5, 2, "42.5"), (100, 1, "100"), (0.04, 1, "0"), (.infinity, 1, "inf"), (1.5e300, 3, "1.5e+300"),
    ])
  func plain(number: Double, places: Int, expected: String) {
    #expect(Numbers.plain(number, places: places) == expected)
  }

  @Test(
    "times are said as people say them",
    arguments: [
      (0.251, "0.25 s"), (0.012, "0.012 s"), (1, "1 s"), (1.5, "1.5 s"), (72, "72 s"), (119.6, "2 min"),
      (150, "2 min 30 s"),
      (5400, "1 h 30 min"), (86_400, "24 h"), (0, "0 s"), (-3, "-3 s"), (8.991, "9 s"), (9.94, "9.9 s"),
    ])
  func durations(seconds: Double, expected: String) {
    #expect(Numbers.duration(seconds) == expected)
  }

  @Test(
    "energy has a prefix only where it gets long",
    arguments: [
      (0, "0.00 J"), (9999.99, "9999.99 J"), (12_345.67, "12.35 kJ"), (5e7, "50.00 MJ"), (7e12, "7000.00 GJ"),
    ])
  func joules(joules: Double, expected: String) {
    #expect(Numbers.joules(joules) == expected)
  }
}
