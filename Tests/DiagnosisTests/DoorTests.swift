import Foundation
import PowerSources
import RAPL
import TestSupport
import Testing

@testable import Diagnosis
@testable import PowerSources

/// The kernel's energy events: 60 W, or an errno value for whoever opens them.
private struct Events: EventOpener {
  var errno: Int32 = 0

  private struct Group: EventGroup {
    let count: Int
    let start = now

    static var now: Int64 {
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC, &time)
      return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    func read(into reading: inout EventReading) -> Int32 {
      let running = UInt64(Self.now - start)
      reading.words[0] = UInt64(count)
      (reading.words[1], reading.words[2]) = (running, running)
      for index in 0..<count { reading.words[3 + index] = running * 60 }
      return 0
    }
  }

  func open(type: UInt32, configs: [UInt64], cpu: Int) -> (group: (any EventGroup)?, errors: [Int32]) {
    errno == 0 ? (Group(count: configs.count), configs.map { _ in 0 }) : (nil, [errno])
  }
}

extension ComposedMachine {
  /// The kernel has the PMU named `power`, each of whose counts is a nanojoule.
  fileprivate var withEvents: Self {
    let pmu = "sys/bus/event_source/devices/power"
    return permissions(pmu, 0o755).permissions("\(pmu)/events/energy-pkg", 0o444).text("\(pmu)/type", "21\n").text(
      "\(pmu)/cpumask", "0\n"
    ).text("\(pmu)/events/energy-pkg", "event=0x02\n")
      .text("\(pmu)/events/energy-pkg.unit", "Joules\n").text("\(pmu)/events/energy-pkg.scale", "1e-9\n")
  }

  /// Kernel lockdown keeps even root from reading registers.
  fileprivate var lockedDown: Self {
    text("sys/kernel/security/lockdown", "none [integrity] confidentiality\n").error("dev/cpu/0/msr", EPERM)
      .error("dev/cpu/1/msr", EPERM)
  }

  fileprivate var inDocker: Self {
    permissions(".dockerenv", 0o755).permissions("sys/module/msr", 0o755)
      .text("proc/self/status", "Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\n")
      .text("sys/kernel/security/lockdown", nil)
  }

  fileprivate static func newest(_ name: String, family: Int) -> Self {
    ComposedMachine(
      name, cpuinfo: cpuinfo("GenuineIntel", family: family, model: 1, name: "Intel(R) Test CPU"))
  }
}

/// A machine, and what is said of its doors.
private struct DoorCase: CustomStringConvertible {
  let machine: ComposedMachine
  var events = Events()
  /// The door that is taken; nil if none can be.
  let door: EnergySources.Door?
  /// What the service says: why not a better door, or why none. nil if the best door is taken.
  let says: [String]
  /// The one thing to do, if nothing measures.
  var remedy: String?

  var description: String { machine.testDescription }

  static let all = open + shut

  private static let open: [Self] = [
    Self(machine: .intel("everything", model: 0x9E).intelRegisters().withEvents, door: .msr, says: []),
    Self(
      machine: .intel("no-module-but-events-and-zones", model: 0x9E).withEvents.zone("intel-rapl:0", "package-0"),
      door: .perf,
      says: ["Measuring with perf instead of the msr registers. Cannot open /dev/cpu/0/msr: it does not exist"]),
    Self(
      machine: .intel("locked-down-with-events", model: 0x9E).lockedDown.withEvents, door: .perf,
      says: ["with perf instead", "the kernel is locked down (integrity)"]),
    Self(
      machine: .intel("locked-down-with-zones", model: 0x9E).lockedDown.zone("intel-rapl:0", "package-0"),
      door: .powercap, says: ["with powercap instead", "locked down (integrity)", "Perf cannot be used either."]),
    Self(
      machine: .newest("diamond-rapids-with-events", family: 19).withEvents.zone("intel-rapl:0", "package-0"),
      door: .perf, says: ["with perf instead", "has no energy registers"]),
    Self(
      machine: .newest("diamond-rapids-in-the-unit", family: 19).withEvents.zone("intel-rapl:0", "package-0"),
      events: Events(errno: EPERM), door: .powercap,
      says: ["with powercap instead", "has no energy registers", "Perf cannot be used either. Cannot open the event"]),
    Self(
      machine: .intel("panther-lake", model: 0xCC).intelRegisters().withEvents.zone("intel-rapl:0", "package-0"),
      door: .msr, says: []),
    Self(
      machine: .newest("nova-lake-without-its-module", family: 18).zone("intel-rapl:0", "package-0"), door: .powercap,
      says: ["with powercap instead", "the kernel's msr module is not loaded", "Perf cannot be used either."]),
    Self(
      machine: .amd("amd-without-its-module", family: 0x19).withEvents, door: .perf,
      says: ["with perf instead", "the kernel's msr module is not loaded"]),
    Self(
      machine: .intel("container-with-perfmon", model: 0x9E).inDocker.withEvents, door: .perf,
      says: ["with perf instead", "This container (Docker) hides /dev/cpu/0/msr"]),
    Self(
      machine: .intel("powercap-only", model: 0x9E).zone("intel-rapl:0", "package-0"), door: .powercap,
      says: ["with powercap instead"]),
  ]

  private static let shut: [Self] = [
    Self(
      machine: .intel("nothing", model: 0x9E), door: nil,
      says: ["the kernel's msr module is not loaded", "There are no energy zones"], remedy: "sudo modprobe msr"),
    Self(
      machine: .intel("locked-down-with-nothing-else", model: 0x9E).lockedDown, door: nil,
      says: ["locked down (integrity)", "There are no energy zones"], remedy: "sudo modprobe intel_rapl_msr"),
    Self(
      machine: .newest("diamond-rapids-without-a-module", family: 19), door: nil,
      says: ["has no energy registers", "There are no energy zones"], remedy: "sudo modprobe intel_rapl_tpmi"),
    Self(
      machine: .newest("nova-lake-without-any-module", family: 18), door: nil, says: ["is not loaded"],
      remedy: "sudo modprobe msr"),
    Self(
      machine: .newest("diamond-rapids-as-a-user", family: 19).withoutRights.withEvents
        .zone("intel-rapl:0", "package-0", .failed(errno: EACCES)), events: Events(errno: EACCES), door: nil,
      says: ["has no energy registers", "Cannot open the event power/energy-pkg/", "only root may read it"],
      remedy: "run as root (sudo), or let the installed service measure."),
    Self(
      machine: .intel("container-that-hides-everything", model: 0x9E).inDocker.withEvents, events: Events(errno: EPERM),
      door: nil,
      says: ["This container (Docker) hides /dev/cpu/0/msr", "power/energy-pkg/"],
      remedy: "run the service on the container's host and share /run/pkg-watt-stat with the container"),
    Self(
      machine: .amd("amd-without-anything", family: 0x19), door: nil, says: ["is not loaded"],
      remedy: "sudo modprobe msr"),
    Self(
      machine: ComposedMachine(
        "unknown-vendor", cpuinfo: ComposedMachine.cpuinfo("CentaurHauls", family: 6, model: 15, name: "VIA")),
      door: nil, says: ["only Intel, AMD and Hygon"],
      remedy: "use a kernel that has energy zones (powercap) for this CPU, if there is one."),
  ]
}

@Suite("The doors to the counters")
struct DoorTests {
  @Test("the best that opens is taken, and one story tells why not a better one, or what to do", .namesTrials)
  func doors() async { await atOnce(DoorCase.all, most: 6, doors) }

  private func doors(each: DoorCase) throws {
    try each.machine.withRoot { root in
      let said: String
      do throws(NothingToMeasure) {
        let found = try EnergySources.firstThatMeasures(
          root: root, domains: [], opener: each.events, log: { Issue.record("\($0)") })
        #expect(found.door == each.door)
        said = EnergySources.note(on: found.door, closed: found.closed) ?? ""
        #expect(said.isEmpty == each.says.isEmpty && !said.contains("\n") && !said.contains("To do"), "\(said)")
      } catch {
        said = "\(error)"
        #expect(each.door == nil, "\(said)")
        let remedies = said.split(separator: "\n").filter { $0.contains("To do: ") }
        #expect(remedies.count == 1 && remedies.first?.contains(each.remedy ?? "") == true, "\(said)")
      }
      for text in each.says { #expect(said.contains(text), "\(said)") }
    }
  }

  @Test("the doctor gives the same reason for each door that is shut, and its advice has the service's", .namesTrials)
  func doctor() async { await atOnce(DoorCase.all, most: 6, doctor) }

  private func doctor(each: DoorCase) throws {
    // A capture's events cannot be opened again: it has what was found.
    let answer = try each.machine.withRoot { root -> String? in
      let tree = try MachineTree.open(root)
      do throws(SourceError) {
        return try EnergySources.perf(tree, domains: [], opener: each.events).summary
      } catch .events(.absent) {
        return nil
      } catch {
        return "failed \(error.reason)\n\(error.remedy(Circumstances(of: tree, isVirtual: false)) ?? "")"
      }
    }
    try each.machine.answer("perf", answer).withRoot { root in
      var shut: [SourceError] = []
      do throws(SourceError) { _ = try EnergySources.msr(root: root) } catch { shut.append(error) }
      do throws(SourceError) { _ = try EnergySources.powercap(root: root) } catch { shut.append(error) }
      let report = Doctor.examine(try Machine(root: root))
      for error in shut where each.door != .msr {
        #expect(report.text.contains(error.reason.dropLast()), "\(error.reason)\n\(report.text)")
      }
      if let answer { #expect(report.text.contains(answer.split(separator: "\n")[0].replacing("failed ", with: ""))) }
      #expect(report.text.contains("but a capture cannot replay them") == (answer?.hasPrefix("failed ") == false))
      if let remedy = each.remedy { #expect(report.text.contains(remedy), "\(report.text)") }
      if each.door != .perf { #expect(report.exitCode == (each.door == nil ? 1 : 0), "\(report.text)") }
    }
  }

  @Test(
    "events that may not be opened have advice that helps where this process is",
    arguments: [
      (ComposedMachine.intel("host", model: 0x9E), ["CAP_PERFMON"], ["--cap-add", "namespace"]),
      (.intel("docker", model: 0x9E).inDocker, ["--cap-add PERFMON", "container's host"], ["sudo", "perf.conf"]),
      (
        .intel("user-namespace", model: 0x9E).text("proc/self/uid_map", "         0       1000          1\n"),
        ["outside of the user namespace"], ["sudo", "perf.conf", "--cap-add"]
      ),
    ] as [(ComposedMachine, [String], [String])])
  func advice(machine: ComposedMachine, words: [String], wrong: [String]) throws {
    try machine.withEvents.withRoot { root in
      let tree = try MachineTree.open(root)
      let error = try #require(
        #expect(throws: SourceError.self) { try EnergySources.perf(tree, domains: [], opener: Events(errno: EACCES)) })
      let text = "\(NothingToMeasure(perf: error, root: root))"
      for word in words { #expect(text.contains(word), "\(text)") }
      for word in wrong { #expect(!text.contains(word), "\(text)") }
    }
  }

  @Test("a kernel without energy events is told the module that has them for this CPU, on the container's host")
  func module() throws {
    let machines: [(machine: ComposedMachine, says: String)] = [
      (.intel("client", model: 0x9E), "sudo modprobe rapl\n"),
      (.intel("granite-rapids", model: 0xAD), "sudo modprobe intel_rapl_tpmi\n"),
      (.intel("docker", model: 0x9E).inDocker, "on the container's host: sudo modprobe rapl\n"),
    ]
    for each in machines {
      try each.machine.withRoot { root in
        let error = SourceError.events(.absent("/sys"))
        #expect("\(NothingToMeasure(perf: error, root: root))".contains(each.says))
      }
    }
  }

  @Test(
    "root that measures by perf alone is told that the installed service's unit needs the drop-in, unless it has it",
    arguments: [
      (["perf"], "2\n", true, true), (["perf"], "3\n", true, true), (["perf", "powercap"], "2\n", true, false),
      (["perf"], "2\n", false, false),
    ], [false, true])
  func unit(doors: (measuredBy: [String], level: String, isInstalled: Bool, isTold: Bool), hasDropIn: Bool) throws {
    var machine = ComposedMachine.intel("perf-alone", model: 0x9E).text(
      "proc/sys/kernel/perf_event_paranoid", doors.level)
    if doors.isInstalled { machine = machine.permissions("usr/share/pkg-watt-stat/perf.conf", 0o644) }
    if hasDropIn { machine = machine.permissions("etc/systemd/system/pkg-watt-stat.service.d/perf.conf", 0o644) }
    let report = try machine.withRoot { root in
      var examination = Examination(try Machine(root: root)) { _ in }
      examination.measuredBy = doors.measuredBy
      examination.lookAtUnit()
      examination.settle()
      return examination.report
    }
    guard doors.isTold, !hasDropIn else { return #expect(report.findings.isEmpty, "\(report.text)") }
    let fix = try #require(report.findings.first?.fix)
    #expect(report.findings.first?.level == .warning && report.exitCode == 0)
    #expect(fix.contains("sudo cp /usr/share/pkg-watt-stat/perf.conf /etc/systemd/system/pkg-watt-stat.service.d/"))
    #expect(fix.contains("kernel.perf_event_paranoid=2") == (doors.level == "3\n"), "\(fix)")
  }
}
