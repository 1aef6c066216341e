import Foundation
import RAPL
import Testing

@testable import Diagnosis

@Suite("The judge of a cross-check")
struct JudgeTests {
  private static let package = DomainID(PackageID(package: 0), .package)
  private static let dram = DomainID(PackageID(package: 0), .dram)
  private let judge = CrossCheckJudge(reference: "turbostat", tolerancePercent: 1)

  /// Windows whose reference is 10 W and a bit, with these ratios of ours to it.
  private func comparison(_ channel: DomainID?, _ ratios: [Double]) throws -> Comparison {
    try #require(
      Comparison(
        channel, pairs: ratios.enumerated().map { index, ratio in (ratio * (10 + Double(index)), 10 + Double(index)) }))
  }

  private func verdict(
    _ comparisons: [Comparison], missing: [String] = [], trouble: String? = nil
  ) -> CrossCheckVerdict {
    judge.verdict(comparisons, missingPackages: missing, trouble: trouble)
  }

  @Test("agrees within the tolerance, with exit code 0")
  func agreeing() throws {
    let verdict = try verdict([comparison(Self.package, [1.004, 0.998, 1.001, 1.002])])
    #expect(verdict == .agree(tolerancePercent: 1) && verdict.exitCode == 0)
  }

  @Test("disagrees beyond it, with exit code 1 and no cause where the ratio is no constant")
  func disagreeing() throws {
    let verdict = try verdict([comparison(Self.package, [1.30, 1.35, 1.20, 1.25, 1.31, 1.28])])
    #expect(verdict.exitCode == 1)
    #expect("\(verdict)".hasPrefix("Disagree: package 0 ") && "\(verdict)".contains("not constant"))
  }

  @Test("cannot say where the difference may be chance, with exit code 2")
  func unsure() throws {
    let verdict = try verdict([comparison(Self.package, [1.3, 0.8, 1.1])])
    #expect(verdict.exitCode == 2)
    #expect("\(verdict)".hasPrefix("Could not compare: ") && "\(verdict)".contains("--duration"))
  }

  @Test("one disagreement outweighs what agrees and what may be chance")
  func mixed() throws {
    let verdict = try verdict([
      comparison(Self.package, [1, 1, 1]), comparison(Self.dram, [4, 4, 4]), comparison(nil, [1.3, 0.8, 1.1]),
    ])
    #expect(verdict.exitCode == 1)
    #expect(
      "\(verdict)".contains("package 0 DRAM") && "\(verdict)".contains("the DRAM unit, which differs by a factor of 4"))
    #expect(!"\(verdict)".contains("all packages"))
  }

  @Test("a domain that is off as much as its package has the package's cause, said once")
  func commonCause() throws {
    let text = try "\(verdict([comparison(Self.package, [0.25, 0.25]), comparison(Self.dram, [0.25, 0.25])]))"
    #expect(text.contains("0x606") && !text.contains("DRAM unit"))
    #expect(text.split(separator: "a constant ratio").count == 2)
  }

  @Test("a package that one side lacks is a disagreement")
  func missing() throws {
    let verdict = try verdict([comparison(Self.package, [1, 1])], missing: ["turbostat shows no package 1."])
    #expect(verdict == .disagree(["turbostat shows no package 1."]))
  }

  @Test("nothing to compare says why, in the reference's words where it has some")
  func nothing() throws {
    #expect("\(verdict([]))".contains("fewer than two windows"))
    #expect("\(verdict([], trouble: "turbostat ended by itself with exit code 1."))".contains("exit code 1"))
    let idle = try #require(Comparison(Self.package, pairs: [(0.01, 0.02), (0.02, 0.01)]))
    #expect("\(verdict([idle]))".contains("0.1 W"))
    #expect(verdict([]).exitCode == 2)
  }

  @Test("a reference that gave nothing is not said to have read anything")
  func unread() {
    let report = CrossCheckReport(
      reference: "turbostat", reads: "the registers", comparisons: [], apartMilliseconds: 0, tolerancePercent: 1,
      trouble: "turbostat ended by itself with exit code 1.")
    #expect(report.text.hasPrefix("Could not compare: "), "\(report.text)")
  }

  @Test("a reference of 0 W while we measure watts is a disagreement")
  func zero() throws {
    let comparison = try #require(Comparison(Self.package, pairs: [(10, 0), (12, 0)]))
    #expect(verdict([comparison]).exitCode == 1 && "\(verdict([comparison]))".contains("0 W"))
  }

  @Test("the worst report decides, and all are shown", arguments: [false, true])
  func result(reversed: Bool) throws {
    let ratios = reversed ? [[4.0, 4], [1, 1]] : [[1, 1], [4, 4]]
    let reports = try ratios.map { ratios in
      CrossCheckReport(
        reference: "turbostat", reads: "the registers (--no-perf)", comparisons: [try comparison(Self.package, ratios)],
        apartMilliseconds: 1,
        tolerancePercent: 1, trouble: nil)
    }
    let result = CrossCheckResult(reports: reports)
    #expect(result.verdict.exitCode == 1)
    #expect(result.text.components(separatedBy: "turbostat read the registers (--no-perf).").count == 3)
    #expect(result.text.contains("Agree: ") && result.text.contains("Disagree: "))
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(result.json.utf8)) as? [String: Any])
    #expect(json["verdict"] as? String == "disagree")
    let values = try #require(json["reports"] as? [[String: Any]])
    #expect(values.count == 2 && values.allSatisfy { $0["reads"] as? String == "the registers (--no-perf)" })
  }
}
