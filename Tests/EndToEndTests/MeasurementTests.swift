import Foundation
import TestSupport
import Testing

@Suite(
  "Watts from registers", .namesTrials, .serialized,
  .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
struct MeasurementTests {
  private func service(_ device: Device, source: String = "msr", _ arguments: [String] = []) throws -> Service {
    try Service(["--source", source, "--root", device.root.path] + arguments)
  }

  /// Takes readings and expects every one of them to be right, as far as counters that move once a millisecond tell: both
  /// ends of a window may be off by that much. The first reading is of a short window, as is one behind a late one.
  private func expect(_ watts: Double, from client: Client, readings count: Int, within part: Double = 0.005) throws {
    for index in 0..<count {
      let reading = try client.reading()
      #expect(reading.status == "ok")
      #expect(abs(reading.power_watts - watts) <= watts * (index == 0 ? 0.01 : part), "\(reading)")
    }
  }

  @Test("one package and two are measured within 0.5 %, through a wrap")
  func packages() async {
    let all = ["msr", "powercap"].flatMap { source in [[42.5], [42.5, 17.25]].map { (source, $0) } }
    await atOnce(all) { try packages(source: $0.0, watts: $0.1) }
  }

  private func packages(source: String, watts: [Double]) throws {
    let sum = watts.reduce(0, +)
    // About two seconds before the wrap at 42.5 W: 2^-14 J a count.
    let device = try Device(
      ["--counter-start", "\(UInt64(1) << 32 - 1_400_000)"] + watts.flatMap { ["--watts", "\($0)"] })
    func microjoules() throws -> [UInt64] {
      try watts.indices.map { index in
        let path = device.root.file("sys/class/powercap/intel-rapl:\(index)/energy_uj")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return try #require(UInt64(text.trimmingCharacters(in: .newlines)))
      }
    }
    let before = try microjoules()
    let service = try service(device, source: source)
    try expect(sum, from: try service.client(), readings: 5)
    // The first package has wrapped. The other draws less, and does so later.
    #expect(try microjoules()[0] < before[0])
  }

  @Test("powercap goes on after the service has become a user who may not open its files")
  func powercapWithoutRoot() throws {
    let device = try Device(["--watts", "42.5"])
    let service = try service(device, source: "powercap", ["--user", "nobody"])
    try expect(42.5, from: try service.client(), readings: 2)
  }

  @Test("auto takes the registers where they work, else powercap, and says so")
  func auto() throws {
    let registers = try Device(["--watts", "42.5"])
    #expect(try service(registers, source: "auto").child.output.contains("from its msr registers"))
    let without = try Device(["--watts", "42.5", "--units", "0"])
    let service = try service(without, source: "auto")
    #expect(
      service.child.output.contains("Measuring with powercap instead of the msr registers. The energy unit register"))
    try expect(42.5, from: try service.client(), readings: 2)
  }

  @Test("an AMD machine is measured by AMD's registers")
  func amd() throws {
    let device = try Device(["--cpuinfo", "amd", "--watts", "42.5"])
    let service = try service(device)
    try expect(42.5, from: try service.client(), readings: 2)
  }

  @Test("AMD's core domain is the sum of all cores, each through its own wraps, while somebody asks")
  func amdCores() throws {
    // Six cores of two threads. The first counter to wrap does so after 3 s, at 42.5 * 0.7 * 6 / 21 W.
    let start = UInt64(1 << 32) - UInt64(3 * 42.5 * 0.7 * 6 / 21 * 65_536)
    let device = try Device([
      "--cpuinfo", "amd", "--watts", "42.5", "--cpus-per-package", "12", "--threads-per-core", "2", "--counter-start",
      "\(start)",
    ])
    let service = try service(device, ["--interval", "0.5"])
    let client = try service.client()
    client.write("{\"subscribe\": \"sample\", \"interval_seconds\": 2}\n")
    var samples: [CoreSample] = []
    while samples.count < 4 {
      let line = try client.line()
      if line.hasPrefix("{\"sample\"") {
        samples.append(try JSONDecoder().decode(CoreSample.self, from: Data(line.utf8)))
      }
    }
    let cores = try samples.map { try #require($0.sample.packages.first?.domains["core"]) }
    #expect(cores.allSatisfy { !$0.lower_bound })
    for core in cores.dropFirst() { #expect(abs(try #require(core.watts) - 29.75) < 29.75 * 0.01, "\(core)") }
    let seconds = samples[3].sample.monotonic_seconds - samples[0].sample.monotonic_seconds
    #expect(abs((cores[3].joules - cores[0].joules) / seconds - 29.75) < 29.75 * 0.01)
  }

  @Test(
    "AMD's core that goes offline is missing in the domain, which says so, and nowhere else; a sealed service knows it again"
  )
  func amdOfflineCore() throws {
    // The cores draw 1, 2, 3 and 4 tenths of 29.75 W.
    let device = try Device(["--cpuinfo", "amd", "--watts", "42.5", "--cpus-per-package", "4"])
    let service = try service(device, ["--interval", "0.25", "--seal"])
    let client = try service.client()
    client.write("{\"subscribe\": \"sample\"}\n")
    func wait(until isReached: (CoreSample.Domain) -> Bool) throws {
      for _ in 0..<40 {
        let line = try client.line()
        guard line.hasPrefix("{\"sample\"") else { continue }
        let package = try #require(
          try JSONDecoder().decode(CoreSample.self, from: Data(line.utf8)).sample.packages.first)
        #expect(abs(package.watts - 42.5) < 42.5 * 0.02, "\(package)")
        if isReached(try #require(package.domains["core"])) { return }
      }
      Issue.record("never reached")
    }
    func isAbout(_ watts: Double, _ core: CoreSample.Domain) -> Bool {
      core.watts.map { abs($0 - watts) < watts * 0.02 } ?? false
    }
    try wait { isAbout(29.75, $0) && !$0.lower_bound }
    try device.control("enxio 3 on")
    try wait { isAbout(29.75 * 0.6, $0) && $0.lower_bound }
    try device.control("enxio 3 off")
    try wait { isAbout(29.75, $0) && $0.lower_bound }
  }

  private struct CoreSample: Decodable {
    struct Domain: Decodable {
      let watts: Double?
      let joules: Double
      let lower_bound: Bool
    }
    struct Package: Decodable {
      let watts: Double
      let domains: [String: Domain]
    }
    struct Sample: Decodable {
      let monotonic_seconds: Double
      let packages: [Package]
    }
    let sample: Sample
  }

  @Test("no fault leaves a spike")
  func faults() async {
    let all = ["reset 0", "reset 1", "zero 0 1", "zero 1 2", "eio 0 1", "eio 1 3", "set 0 0x80000000", "enxio 0 on"]
    await atOnce(all, faults)
  }

  private func faults(fault: String) throws {
    let device = try Device(["--watts", "42.5", "--watts", "17.25"])
    let service = try service(device, ["--interval", "0.5"])
    let client = try service.client()
    _ = try client.reading()
    try device.control(fault)
    let fresh = try (0..<5).map { _ in try client.reading() }.filter { $0.status == "ok" }
    #expect(fresh.count >= 3)
    // Half a second's window, twice the counters' and the device's own uncertainty.
    for reading in fresh { #expect(abs(reading.power_watts - 59.75) <= 59.75 * 0.01, "\(reading)") }
  }

  @Test(
    "a powercap zone that vanishes while it is read makes the sum stale, never smaller; at the next start it is left out, and said"
  )
  func vanishedZone() throws {
    let device = try Device(["--watts", "40", "--watts", "60"])
    let running = try service(device, source: "powercap")
    let client = try running.client()
    var reading = try client.reading()
    #expect(reading.status == "ok" && abs(reading.power_watts - 100) < 5, "\(reading)")
    try device.setOnline(2...3, false)
    for _ in 0..<12 where reading.status == "ok" {
      reading = try client.reading()
      #expect(abs(reading.power_watts - 100) < 5, "\(reading)")
    }
    #expect(reading.status == "stale")
    // As the kernel's, it shows the CPUs that are online.
    let cpuinfo = device.root.file("proc/cpuinfo")
    let cpus = try String(contentsOfFile: cpuinfo, encoding: .utf8).components(separatedBy: "\n\n")
    try cpus.prefix(2).joined(separator: "\n\n").appending("\n\n").write(
      toFile: cpuinfo, atomically: false, encoding: .utf8)
    let next = try service(device, source: "powercap")
    let rest = try next.client().reading()
    #expect(rest.status == "ok" && abs(rest.power_watts - 40) < 3, "\(rest)")
    #expect(
      next.child.output.contains("intel-rapl:1 cannot be read, because its package is offline"), "\(next.child.output)")
  }

  @Test("a lasting fault is called stale, with the last good reading, and then ok again")
  func stale() throws {
    let device = try Device(["--watts", "42.5"])
    let service = try service(device, ["--interval", "0.5"])
    let client = try service.client()
    try expect(42.5, from: client, readings: 2, within: 0.01)
    try device.control("eio 0 on")
    var reading = try client.reading()
    while reading.status == "ok" { reading = try client.reading() }
    #expect(reading.status == "stale")
    #expect(abs(reading.power_watts - 42.5) <= 42.5 * 0.01)
    #expect(Date.now.timeIntervalSince1970 - reading.timestamp > 1)
    #expect(try service.client().reading().status == "stale")
    try device.control("eio 0 off")
    while reading.status == "stale" { reading = try client.reading() }
    #expect(reading.status == "ok")
    #expect(abs(reading.power_watts - 42.5) <= 42.5 * 0.01)
    #expect(service.child.output.contains("WARNING: No fresh readings."))
    #expect(service.child.output.contains("INFO: Readings are fresh again."))
  }

  @Test("a counter that does not move is refused")
  func stuck() throws {
    let device = try Device(["--watts", "42.5"])
    try device.control("freeze 0 on")
    let (code, output) = try Child.run([Executables.service, "--source", "msr", "--root", device.root.path])
    #expect(code == 1)
    #expect(output.contains("does not move"), "\(output)")
  }

  @Test("a part that draws more than its cores are thought to is measured, and the log says so")
  func aboveTheBound() throws {
    // Two cores are thought to reach 320 W.
    let device = try Device(["--cpuinfo", "amd", "--watts", "1150"])
    let service = try service(device)
    try expect(1150, from: try service.client(), readings: 3, within: 0.01)
    #expect(service.child.output.contains("more power than was thought possible"))
  }

  @Test("a CPU that was offline at the start is told of, and reads for its package once the others are gone")
  func laterCPU() throws {
    let device = try Device(["--watts", "42.5"])
    try device.setOnline(1...1, false)
    let service = try service(device)
    #expect(service.child.output.contains("1 CPU was offline at the start"))
    let client = try service.client()
    try expect(42.5, from: client, readings: 1)
    try device.setOnline(1...1, true)
    try device.control("enxio 0 on")
    try expect(42.5, from: client, readings: 3)
  }
}
