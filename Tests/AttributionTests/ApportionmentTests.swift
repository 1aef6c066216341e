import TestSupport
import Testing

@testable import Attribution

@Suite("Apportionment")
struct ApportionmentTests {
  @Test(
    "adds up, and gives what is left to those who lost most by rounding",
    arguments: [
      (10, [1, 1, 1], [4, 3, 3]), (7, [0, 5, 0], [0, 7, 0]), (0, [3, 4], [0, 0]), (100, [1, 2, 4], [14, 29, 57]),
      (5, [-3, 1], [0, 5]), (-5, [1, 1], [0, 0]),
    ] as [(Int64, [Int64], [Int64])])
  func parts(total: Int64, weights: [Int64], expected: [Int64]) {
    #expect(apportion(total, by: weights) == expected)
  }

  @Test("has nobody to give to without weights", arguments: [[], [0, 0], [-1]] as [[Int64]])
  func nobody(weights: [Int64]) { #expect(apportion(5, by: weights) == nil) }

  @Test("holds for the largest numbers")
  func large() throws {
    let parts = try #require(apportion(.max, by: [.max, .max, .max]))
    #expect(parts.reduce(0, +) == .max)
  }

  @Test("gives each less than one more or less than its share, for random weights")
  func random() throws {
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<500 {
      let weights = (0..<Int.random(in: 1...300, using: &generator)).map { _ in
        Int64.random(in: 0...(1 << Int64.random(in: 0...50, using: &generator)), using: &generator)
      }
      let total = Int64.random(in: 0...100_000, using: &generator)
      guard let parts = apportion(total, by: weights) else { continue }
      let sum = weights.reduce(0.0) { $0 + Double($1) }
      #expect(parts.reduce(0, +) == total)
      for (part, weight) in zip(parts, weights) {
        #expect(abs(Double(part) - Double(total) * Double(weight) / sum) < 1.000001)
      }
    }
  }
}
