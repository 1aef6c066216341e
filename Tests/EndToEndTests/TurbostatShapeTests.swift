import Foundation
import TestSupport
import Testing

@Suite(
  "The real turbostat's tables, whatever the CPU", .namesTrials, .serialized,
  .enabled(if: RealTurbostat.isThere, Comment(rawValue: RealTurbostat.need)))
struct TurbostatShapeTests {
  /// A machine, and what each of its packages is to show: the device's domains are fixed shares of a package's watts.
  struct Machine: Sendable, CustomStringConvertible {
    let description: String
    let cpu: String
    var watts = [42.5]
    var hasDies = false
    let shares: [[String: Double]]
  }

  private struct Answer: Decodable {
    struct Domain: Decodable {
      let watts: Double?
    }
    struct Package: Decodable {
      let package: Int
      let die: Int?
      let watts: Double
      let domains: [String: Domain]
    }
    struct Sample: Decodable {
      let watts: Double
      let packages: [Package]
    }
    let sample: Sample
  }

  private static let machines = [
    Machine(
      description: "Skylake", cpu: "GenuineIntel:6:0x5E", shares: [["core": 0.7, "uncore": 0.1, "dram": 0.25]]),
    Machine(description: "Sandy Bridge-EP", cpu: "GenuineIntel:6:0x2D", shares: [["core": 0.7, "dram": 0.25]]),
    Machine(
      description: "Ice Lake-X, two packages", cpu: "GenuineIntel:6:0x6A", watts: [42.5, 17],
      // The DRAM unit is 15.3 uJ, a quarter of the device's.
      shares: [["dram": 0.25 * 15.3e-6 * 16_384], ["dram": 0.25 * 15.3e-6 * 16_384]]),
    Machine(description: "Avoton", cpu: "GenuineIntel:6:0x4D", shares: [["core": 0.7]]),
    Machine(description: "Zen 3", cpu: "AuthenticAMD:0x19:0x21", shares: [["core": 0.7]]),
    Machine(
      description: "Zen 3, a Die column", cpu: "AuthenticAMD:0x19:0x21", hasDies: true, shares: [["core": 0.7]]),
    Machine(
      description: "Zen 5, two packages, a Die column", cpu: "AuthenticAMD:0x1A:0x02", watts: [42.5, 17],
      hasDies: true, shares: [[:], [:]]),
    Machine(
      description: "Hygon, two packages", cpu: "HygonGenuine:0x18:0x01", watts: [42.5, 17], shares: [[:], [:]]),
  ]

  @Test("are served: each package, with the domains that are its own")
  func served() async { await atOnce(Self.machines, served) }

  private func served(machine: Machine) throws {
    let turbostat = try RealTurbostat(
      cpu: machine.cpu, packages: machine.watts.count, device: machine.watts.flatMap { ["--watts", "\($0)"] })
    if machine.hasDies { try turbostat.eachCPUOnADie() }
    let service = try Service(
      ["--source", "turbostat", "--turbostat", turbostat.path], wrapper: turbostat.namespace)
    var client: Client?
    try wait(seconds: 30, for: "a first reading") {
      client = try? service.client()
      return (try? client?.reading()) != nil
    }
    // The mean of some windows: on a busy machine one may be off.
    let samples = try (0..<4).map { _ in try sample(of: service, after: try #require(client)) }
    for (index, watts) in machine.watts.enumerated() {
      let packages = try samples.map { try #require($0.packages.first { $0.package == index }) }
      #expect(samples.allSatisfy { $0.packages.count == machine.watts.count })
      #expect(packages.allSatisfy { $0.die == nil })
      #expect(packages.allSatisfy { Set($0.domains.keys) == Set(machine.shares[index].keys) }, "\(packages)")
      expect(packages.map(\.watts), near: watts)
      for (domain, share) in machine.shares[index] {
        expect(packages.compactMap { $0.domains[domain]?.watts }, near: watts * share)
      }
    }
    expect(samples.map(\.watts), near: machine.watts.reduce(0, +))
  }

  private func expect(_ watts: [Double], near expected: Double) {
    #expect(abs(watts.reduce(0, +) / Double(watts.count) - expected) < 0.03 * expected, "\(watts), not \(expected)")
  }

  /// The sample that follows the client's next line.
  private func sample(of service: Service, after client: Client) throws -> Answer.Sample {
    _ = try client.reading()
    let asking = try service.client()
    asking.write("{\"get\": \"sample\"}\n")
    while true {
      let line = try asking.line()
      if line.hasPrefix("{\"sample\"") { return try JSONDecoder().decode(Answer.self, from: Data(line.utf8)).sample }
    }
  }

  @Test("of one die of several are refused, with the reason: the sum would lack the others")
  func oneDie() throws {
    let turbostat = try RealTurbostat(cpu: "GenuineIntel:6:0x55", packages: 1, device: ["--watts", "42.5"])
    try turbostat.eachCPUOnADie()
    try expectRefused(turbostat, saying: "turbostat reads only one die of each package")
  }

  @Test(
    "without package power are told to be, at the first header",
    arguments: ["GenuineIntel:18:1", "GenuineIntel:6:0x2F"])
  func noPackagePower(cpu: String) throws {
    let turbostat = try RealTurbostat(cpu: cpu, device: ["--watts", "20", "--watts", "20"])
    try expectRefused(turbostat, saying: "turbostat shows no package power")
  }

  /// Neither `--check` nor the service takes it for measuring, and both say why.
  private func expectRefused(_ turbostat: RealTurbostat, saying reason: String) throws {
    let folder = try TemporaryFolder()
    let command =
      turbostat.namespace + [Executables.service, "serve", "--source", "turbostat", "--turbostat", turbostat.path]
    let (code, output) = try Child.run(command + ["--check"])
    #expect(code == 1 && output.contains(reason), "\(output)")
    let service = try Child(command + ["--socket", folder.file("socket")])
    try wait(seconds: 10, for: "the reason") { service.output.contains(reason) }
    #expect(service.isRunning && !service.output.contains(Service.readiness), "\(service.output)")
    #expect(!service.output.contains("no reading"), "\(service.output)")
  }
}
