import Foundation
import RAPL
import Testing

@testable import Diagnosis

@Suite("A comparison")
struct ComparisonTests {
  private static let channel = DomainID(PackageID(package: 0), .package)

  private func comparison(_ pairs: [(Double, Double)]) throws -> Comparison {
    try #require(Comparison(Self.channel, pairs: pairs.map { (ours: $0.0, reference: $0.1) }))
  }

  @Test("of less than two windows tells nothing")
  func few() {
    #expect(Comparison(Self.channel, pairs: []) == nil)
    #expect(Comparison(Self.channel, pairs: [(1, 1)]) == nil)
  }

  @Test("has means, the difference in percent of the reference's, and the worst window")
  func means() throws {
    let comparison = try comparison([(11, 10), (20, 20), (32, 30)])
    #expect(comparison.ours == 21 && comparison.reference == 20 && comparison.windows == 3)
    #expect(abs((comparison.differencePercent ?? 0) - 5) < 1e-9)
    #expect(abs((comparison.worstPercent ?? 0) - 10) < 1e-9)
  }

  @Test("has the textbook's 95 % interval of the mean difference")
  func interval() throws {
    // Differences 1, 2, 3, 4: mean 2.5, standard error 0.6455, t(3) = 3.182.
    let comparison = try comparison([(11, 10), (12, 10), (13, 10), (14, 10)])
    #expect(abs((comparison.confidencePercent ?? 0) - 20.54) < 0.2)
  }

  @Test(
    "takes Student's t from the tables within 1 %",
    arguments: [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (29, 2.045), (100, 1.984)])
  func student(degrees: Int, quantile: Double) {
    #expect(abs(Comparison.studentT(degrees: degrees) / quantile - 1) < 0.011)
  }

  @Test("knows a constant ratio from one that is only a mean")
  func ratios() throws {
    #expect(try abs((comparison([(40, 10), (81, 20), (119, 30)]).constantRatio ?? 0) - 4) < 0.05)
    #expect(try comparison([(40, 10), (20, 20), (180, 30)]).constantRatio == nil)
    #expect(try comparison([(0, 10), (0, 20)]).constantRatio == nil)
    #expect(try comparison([(10, 0), (20, 0)]).constantRatio == nil)
  }

  @Test("with a reference of nothing has no percentages")
  func zeroReference() throws {
    let comparison = try comparison([(10, 0), (20, 0)])
    #expect(comparison.differencePercent == nil && comparison.worstPercent == nil && !comparison.isTooLittle)
  }

  @Test(
    "names the cause of a ratio by domain and direction",
    arguments: [
      (4, .dram, "we used the unit register's 2^-14 J, the reference used the fixed 15.3 uJ"),
      (0.25, .dram, "the reference used the unit register's 2^-14 J, we used the fixed 15.3 uJ"),
      (4.1, .dram, "DRAM unit"), (16_384, .psys, "we used the fixed 1 J"),
      (1 / 16_384.0, .psys, "the reference used the fixed 1 J"),
      (0.25, .package, "0x606"), (3.9, .core, "0x606"), (2, .package, "we counted something twice"),
      (0.5, .package, "the reference counted something twice"), (0.505, .package, "we missed one of two packages"),
      (16_384, .package, "joules"),
    ] as [(Double, PowerDomain, String)])
  func causes(ratio: Double, domain: PowerDomain, says: String) {
    #expect(RatioCause.sentence(ratio: ratio, domain: domain)?.contains(says) == true)
  }

  @Test("names none for any other ratio", arguments: [1, 1.5, 3, 0.3, 5, 100, 0, .infinity, .nan])
  func noCause(ratio: Double) {
    for domain in PowerDomain.allCases { #expect(RatioCause.sentence(ratio: ratio, domain: domain) == nil) }
  }
}
