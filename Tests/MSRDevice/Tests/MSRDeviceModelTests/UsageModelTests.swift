import Foundation
import MSRDeviceModel
import PowerSources
import Testing

@Suite("A model of what runs")
struct UsageModelTests {
  private let folder = FileManager.default.temporaryDirectory.appending(
    path: "model-\(UInt64.random(in: 0...UInt64.max))")

  private func file(_ text: String) throws -> String {
    let file = folder.appending(path: "model-\(UInt64.random(in: 0...UInt64.max))").path
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try text.write(toFile: file, atomically: false, encoding: .utf8)
    return file
  }

  private func plan(_ model: String) throws -> RegisterPlan {
    try RegisterPlan("0-1 0x611 model 0x10 16384 32 \(try file(model))\n")
  }

  private func use(_ microseconds: Int) throws {
    try "usage_usec \(microseconds)\nuser_usec 1\n".write(
      to: folder.appending(path: "cpu.stat"), atomically: false, encoding: .utf8)
  }

  private func parts(_ cpu: TestedCPU) -> [String: Double] {
    let rows = cpu.energyReport.split(separator: "\n").map { $0.split(separator: " ") }.filter { $0.count == 2 }
    return Dictionary(uniqueKeysWithValues: rows.map { (String($0[0]), Double($0[1]) ?? .nan) })
  }

  @Test("gives a cgroup's CPU time its joules, from when the model was read, and never takes any back")
  func cgroup() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let plan = try plan("work cgroup 8 \(folder.path)\nlater cgroup 8 \(folder.path)/none\n")
    let cpu = TestedCPU(FaultyCPU(packages: [.constant(watts: 1)], plan: plan))
    #expect(try parts(cpu) == ["work": 0, "later": 0] && cpu.read(0x611, cpu: 1) == 0x10)
    try use(500_000)
    #expect(try cpu.read(0x611, cpu: 0) == 0x10 + 4 * 16384 && parts(cpu)["work"] == 4)
    try use(1000)
    #expect(parts(cpu)["work"] == 4)
    try FileManager.default.removeItem(at: folder)
    #expect(parts(cpu) == ["work": 4, "later": 0])
  }

  @Test("does not count what was used before it was read")
  func before() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try use(3_000_000)
    let cpu = TestedCPU(
      FaultyCPU(packages: [.constant(watts: 1)], plan: try plan("work cgroup 10 \(folder.path)")))
    try use(3_100_000)
    #expect(parts(cpu) == ["work": 1])
  }

  @Test("draws a floor always, pulses half of the time, and counts what this process uses as the rest")
  func rest() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let cpu = TestedCPU(
      FaultyCPU(
        packages: [.constant(watts: 1)], plan: try plan("floor floor 6\nhidden pulses 2 0.1\nrest rest 10\n")))
    var now = parts(cpu)
    // This loop is work.
    while now["floor", default: 0] < 6 || now["rest", default: 0] == 0 { now = parts(cpu) }
    let seconds = try #require(now["floor"]) / 6
    #expect(abs(try #require(now["hidden"]) - seconds) <= 0.1 + 1e-6, "\(now)")
  }

  @Test(
    "that is none is refused",
    arguments: [
      "", "a floor", "a floor x", "a floor -1", "a pulses 1", "a pulses 1 0", "a cgroup 1", "a rest 1 2", "a b 1",
    ])
  func refused(text: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(throws: RegisterPlan.Malformed.self) { try plan(text) }
  }
}
