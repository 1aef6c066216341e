import Foundation
import RAPL
import TestSupport
import Testing

@testable import Diagnosis
@testable import PowerSources

@Suite("Machines that people have")
struct MachineAnswerTests {
  private static let all = Machines.measurable + OrdinaryMachines.all + ReportedMachines.all + OddMachines.all
  /// As long as a window takes that is told from the steps of a counter.
  private static let windowSeconds = 0.2

  /// What the service says of a machine: by the function that `serve` opens its source with.
  private struct Service {
    var watts: Double?
    var says: [String] = []

    init(root: String) throws {
      let log = Log()
      do {
        var source = try EnergySources.firstThatMeasures(
          root: root, domains: Set(PowerDomain.allCases), log: { log.add($0) }
        ).source
        var meter = PowerMeter(start: source.read())
        // Power that is more than was thought possible is believed after a few readings.
        for _ in 0..<8 where watts == nil {
          Thread.sleep(forTimeInterval: MachineAnswerTests.windowSeconds)
          switch meter.measure(source.read()) {
          case .window(let window): watts = window.sample.watts
          case .none(let reason): says.append("\(reason)")
          }
        }
        says.append(source.summary)
      } catch {
        says.append("\(error)")
      }
      says += log.lines
    }
  }

  private final class Log: @unchecked Sendable {
    private let lock = NSLock()
    private var said: [String] = []

    func add(_ line: String) { lock.withLock { said.append(line) } }
    var lines: [String] { lock.withLock { said } }
  }

  @Test("there are enough of them, each once")
  func count() {
    #expect(Self.all.count >= 60 && Set(Self.all.map(\.testDescription)).count == Self.all.count)
  }

  @Test("give the watts or the sentence that is right, by the service and by the doctor alike", .namesTrials)
  func answer() async { await atOnce(Self.all, most: 6, answer) }

  private func answer(machine: ComposedMachine) throws {
    let (service, report) = try machine.withRoot { root in
      (try Service(root: root), Doctor.examine(try Machine(root: root)))
    }
    switch machine.expected {
    case .watts(let watts, let saying):
      #expect(report.exitCode == 0, "\(report.text)")
      let served = try #require(service.watts, "\(service.says)")
      #expect(abs(served - watts) <= 0.03 * watts, "\(served) W: \(service.says)")
      for text in saying {
        #expect(service.says.contains { $0.contains(text) }, "\(service.says)")
        #expect(report.text.contains(text), "\(report.text)")
      }
    case .refusal(let sentence, let doctor):
      #expect(service.watts == nil && service.says.contains { $0.contains(sentence) }, "\(service)")
      #expect(report.exitCode == 1 && report.text.contains(doctor), "\(report.text)")
    }
  }

  @Test(
    "that cannot be measured are refused by the service with a sentence, and by the doctor",
    arguments: Machines.unmeasurable)
  func refusal(machine: ComposedMachine) throws {
    let (service, report) = try machine.withRoot { root in
      (try Service(root: root), Doctor.examine(try Machine(root: root)))
    }
    #expect(service.watts == nil && report.exitCode == 1, "\(service) \(report.text)")
    #expect(
      service.says.count == 1 && service.says.allSatisfy { $0.hasPrefix("Cannot measure ") })
    // In the same words, with the same advice; what the CPU cannot do has its own words in the doctor's list.
    let failures = report.findings.filter { $0.level == .failure }
    // If rights are missing, the doctor says how it gets them itself.
    let rights = failures.first { $0.topic == .capability }?.fix
    let same = failures.filter { finding in
      service.says.contains {
        $0.contains(finding.text) && (finding.fix == rights || $0.contains(finding.fix ?? ""))
      }
    }
    #expect(
      !same.isEmpty || failures.contains { $0.topic == .cpu || $0.topic == .topology },
      "\(service.says)\n\(report.text)")
  }
}
