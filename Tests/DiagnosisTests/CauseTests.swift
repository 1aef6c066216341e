import PowerSources
import RAPL
import TestSupport
import Testing

@testable import Diagnosis
@testable import PowerSources

@Suite("The causes that the doctor names", .namesTrials)
struct CauseTests {
  private struct Forbidden: CustomStringConvertible, Sendable {
    let description: String
    /// Of this process: its user, and whether it has CAP_SYS_RAWIO.
    var user = 0
    var hasRawIO = true
    /// The kernel's text; nil if it tells nothing.
    var lockdown: String?
    let says: [String]
    let notSaid: [String]
    var failures = 2

    static let all = [
      Forbidden(
        description: "no lockdown, and every right", lockdown: "[none] integrity confidentiality\n",
        says: ["(EPERM)", "DeviceAllow=", "security module", "not locked down"],
        notSaid: ["Secure Boot", "run as root"]),
      Forbidden(
        description: "root without the capability", hasRawIO: false, lockdown: "[none] integrity confidentiality\n",
        says: ["does not have CAP_SYS_RAWIO"], notSaid: ["Secure Boot", "DeviceAllow="]),
      Forbidden(
        description: "a user", user: 1000, hasRawIO: false, lockdown: "[none] integrity confidentiality\n",
        says: ["sudo pkg-watt-stat doctor"], notSaid: ["Secure Boot", "DeviceAllow="]),
      Forbidden(
        description: "a user on a kernel that is locked down", user: 1000, hasRawIO: false,
        lockdown: "none [integrity] confidentiality\n",
        says: ["sudo pkg-watt-stat doctor", "is locked down (integrity)"],
        notSaid: ["Cannot open /dev/cpu/0/msr: the kernel is locked down"]),
      Forbidden(
        description: "locked down", lockdown: "none [integrity] confidentiality\n",
        says: ["Cannot open /dev/cpu/0/msr: the kernel is locked down (integrity)", "Secure Boot"],
        notSaid: ["DeviceAllow="]),
      Forbidden(
        description: "unknown lockdown", says: ["(EPERM)", "without lockdown (Secure Boot off)"],
        notSaid: ["DeviceAllow="]),
    ]

    var machine: ComposedMachine {
      .intel("forbidden", model: 0x9E).text("sys/kernel/security/lockdown", lockdown)
        .text(
          "proc/self/status",
          "Uid:\t\(user)\t\(user)\t\(user)\t\(user)\nCapEff:\t\(hasRawIO ? "000001ffffffffff" : "0000000000000000")\n"
        )
        .error("dev/cpu/0/msr", 1).error("dev/cpu/1/msr", 1)
    }
  }

  @Test("EPERM is blamed on kernel lockdown only if that may be it, and on the one right that is missing")
  func forbidden() async { await atOnce(Forbidden.all, forbidden) }

  private func forbidden(each: Forbidden) throws {
    let report = try each.machine.withRoot { Doctor.examine(try Machine(root: $0)) }
    for text in each.says { #expect(report.text.contains(text), "\(report.text)") }
    for text in each.notSaid { #expect(!report.text.contains(text), "\(report.text)") }
    // The registers are one cause, and that there are no zones is another.
    #expect(report.summary.contains(": \(each.failures) failures,"), "\(report.text)")
  }

  @Test(
    "one cause is one failure, however many findings it has",
    arguments: [
      ("no-permission", "1 failure,"), ("virtual-machine-that-announces-nothing", "1 failure,"),
      ("stuck-counter", "1 failure,"), ("root-of-a-user-namespace", "1 failure,"), ("virtual-machine", "1 failure,"),
      ("masked-powercap-of-an-unknown-container", "1 failure,"), ("no-module", "2 failures,"),
      ("register-faults", "2 failures,"),
    ])
  func counted(name: String, says: String) throws {
    let machine = try #require(Machines.all.first { $0.testDescription == name })
    let report = try machine.withRoot { Doctor.examine(try Machine(root: $0)) }
    #expect(report.summary.contains(says), "\(report.text)")
  }
}
