import Foundation
import RAPL
import Synchronization

@testable import PowerSources

/// Energy events that count by a script: constant watts, with pauses, errors and values of the test's choice.
final class EventScript: EventOpener {
  struct State {
    /// For each event that was opened: its number, and the energy that it counts, in watts.
    var watts: [UInt64: Double] = [2: 60, 1: 20, 4: 5, 3: 10, 5: 100]
    /// Errors of opening, by the event's number, and on some CPUs.
    var openErrors: [UInt64: Int32] = [:]
    var cpuErrors: [Int: Int32] = [:]
    var opened: [(type: UInt32, configs: [UInt64], cpu: Int)] = []
    /// Nanoseconds that all events have not counted.
    var paused: Int64 = 0
    /// When they stopped for good.
    var stop: Int64?
    /// How much of the time they count: less than 1 if the kernel counts other events in turn.
    var share = 1.0
    /// What is added to each value.
    var offset: UInt64 = 0
    var readError: Int32 = 0
    var lostEvents: UInt64 = 0
    var reads = 0
  }

  static let scale = 1.0 / Double(UInt64(1) << 32)
  let state = Mutex(State())
  private let start = EventScript.now

  static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Each package draws 30 W more than the one before.
  private struct Group: EventGroup {
    let script: EventScript
    let configs: [UInt64]
    let moreWatts: Double

    func read(into reading: inout EventReading) -> Int32 {
      script.state.withLock { state in
        state.reads += 1
        let enabled = (state.stop ?? EventScript.now) - script.start
        let running = Int64(Double(enabled) * state.share) - state.paused
        reading.words[0] = UInt64(configs.count) - state.lostEvents
        reading.words[1] = UInt64(EventScript.now - script.start)
        reading.words[2] = UInt64(running)
        for (index, config) in configs.enumerated() {
          let joules = ((state.watts[config] ?? 0) + moreWatts) * Double(running) / 1e9
          reading.words[3 + index] = UInt64(joules / EventScript.scale) &+ state.offset
        }
        return state.readError
      }
    }
  }

  func open(type: UInt32, configs: [UInt64], cpu: Int) -> (group: (any EventGroup)?, errors: [Int32]) {
    state.withLock { state in
      let errors = configs.map { state.cpuErrors[cpu] ?? state.openErrors[$0] ?? 0 }
      let opened = zip(configs, errors).filter { $1 == 0 }.map(\.0)
      let group = Group(script: self, configs: opened, moreWatts: 30 * Double(state.opened.count))
      state.opened.append((type, opened, cpu))
      return (errors.first == 0 ? group : nil, errors)
    }
  }
}

struct NoEvents: EventGroup {
  func read(into reading: inout EventReading) -> Int32 { EBADF }
}

/// A folder of a machine with the kernel's PMU in it.
final class EventFolder {
  static let pmu = "sys/bus/event_source/devices/power"
  let root = NSTemporaryDirectory() + "pkg-watt-stat-" + UUID().uuidString

  init(
    vendor: String = "GenuineIntel", cpumask: String = "0\n", packages: [Int] = [0, 0], dies: [Int]? = nil,
    events: [String: String] = ["pkg": "0x02", "cores": "0x01", "gpu": "0x04", "ram": "0x03"]
  ) throws {
    let cpus = "sys/devices/system/cpu"
    try write(
      "proc/cpuinfo", "vendor_id\t: \(vendor)\ncpu family\t: \(vendor == "GenuineIntel" ? 6 : 25)\nmodel\t\t: 85\n")
    for (cpu, package) in packages.enumerated() {
      try write("\(cpus)/cpu\(cpu)/topology/physical_package_id", "\(package)\n")
      try write("\(cpus)/cpu\(cpu)/topology/die_id", "\(dies?[cpu] ?? 0)\n")
      try write("\(cpus)/cpu\(cpu)/topology/core_id", "\(cpu)\n")
    }
    try write("\(cpus)/online", "0-\(packages.count - 1)\n")
    try write("\(Self.pmu)/type", "21\n")
    try write("\(Self.pmu)/cpumask", cpumask)
    for (name, number) in events {
      let path = "\(Self.pmu)/events/energy-\(name)"
      try write(path, "event=\(number)\n")
      try write("\(path).unit", "Joules\n")
      try write("\(path).scale", "2.3283064365386962890625e-10\n")
    }
  }

  func write(_ path: String, _ text: String?) throws {
    let url = URL(filePath: root + "/" + path)
    guard let text else { return try FileManager.default.removeItem(at: url) }
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  func source(
    _ script: some EventOpener, domains: Set<PowerDomain> = Set(PowerDomain.allCases),
    log: @escaping SourceLog = { _ in }
  ) throws -> any EnergySource {
    try EnergySources.perf(MachineTree(root: root), domains: domains, opener: script, log: log)
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }
}

/// Sentences of a source's log.
final class Sentences: Sendable {
  private let all = Mutex<[String]>([])
  var text: String { all.withLock { $0.joined(separator: "\n") } }
  func take(_ sentence: String) { all.withLock { $0.append(sentence) } }
}
