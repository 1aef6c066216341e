import RAPL
import Testing

@testable import Diagnosis
@testable import Turbostat

@Suite("turbostat as a reference")
struct TurbostatReferenceTests {
  private static let second: Int64 = 1_000_000_000
  private static let wall: Int64 = 1_795_455_000_000_000_000

  /// The windows of two packages, the second of which is read 2 ms after the first.
  private func windows(
    _ reference: inout TurbostatReference, end: Int64, window: Int64 = second, stamp: (Int64, Int64)? = (-2_000_000, 0)
  ) -> [ReferenceWindow] {
    func row(_ package: Int?, _ stamp: Int64?) -> TurbostatTable.Row {
      TurbostatTable.Row(
        package: package.map { PackageID(package: $0) }, watts: [.package: 42.5],
        endUnixNanoseconds: stamp.map { Self.wall &+ end &+ $0 })
    }
    let table = TurbostatTable(system: row(nil, stamp?.1), packages: [row(0, stamp?.0), row(1, stamp?.1)])
    let sample = PowerSample(
      watts: table.watts, windowNanoseconds: window, endMonotonicNanoseconds: end,
      endUnixNanoseconds: Self.wall &+ end)
    return reference.windows(of: table, sample)
  }

  @Test("each package has its own window, from the second table on")
  func packages() {
    var reference = TurbostatReference(Turbostat(executable: "/nowhere", intervalSeconds: 1))
    #expect(windows(&reference, end: 5 * Self.second).isEmpty)
    let second = windows(&reference, end: 6 * Self.second)
    #expect(second.map(\.start) == [4_998_000_000, 5_000_000_000])
    #expect(second.map(\.end) == [5_998_000_000, 6_000_000_000])
  }

  @Test("a table after a missing one, or after turbostat was started again, has none")
  func missing() {
    var reference = TurbostatReference(Turbostat(executable: "/nowhere", intervalSeconds: 1))
    _ = windows(&reference, end: 5 * Self.second)
    #expect(windows(&reference, end: 8 * Self.second).isEmpty)
    #expect(windows(&reference, end: 9 * Self.second).count == 2)
  }

  @Test(
    "what a package says of the time, however absurd, moves its window by no more than half of it",
    arguments: [(.min, .max), (.max, .min), (-3600 * second, 0), (0, -3600 * second), nil] as [(Int64, Int64)?])
  func absurd(stamp: (Int64, Int64)?) {
    var reference = TurbostatReference(Turbostat(executable: "/nowhere", intervalSeconds: 1))
    _ = windows(&reference, end: 5 * Self.second, stamp: stamp)
    let second = windows(&reference, end: 6 * Self.second, stamp: stamp)
    #expect(second.count == 2)
    for window in second {
      #expect(abs(window.end - 6 * Self.second) <= Self.second / 2 && window.end - window.start == Self.second)
    }
  }
}
