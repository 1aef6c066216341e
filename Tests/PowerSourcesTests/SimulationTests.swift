import PowerSources
import RAPL
import Testing

@Suite("The simulated CPU")
struct SimulationTests {
  @Test("a constant load's energy is power times time")
  func constant() {
    #expect(SimulatedLoad.constant(watts: 42.5).joules(seconds: 10) == 425)
  }

  @Test("a desktop's energy grows without jumps, by believable watts, through slots and cycles", arguments: [1, 2, 99])
  func desktop(seed: UInt64) {
    let load = SimulatedLoad.desktop(seed: seed)
    #expect(load.joules(seconds: 0) == 0)
    var lowest = Double.infinity
    var highest = 0.0
    for step in 0..<30_000 {
      let seconds = Double(step) * 0.01
      let watts = (load.joules(seconds: seconds + 0.01) - load.joules(seconds: seconds)) / 0.01
      lowest = min(lowest, watts)
      highest = max(highest, watts)
    }
    #expect(lowest > 5 && highest < 70, "\(lowest) to \(highest) W")
    #expect(highest > 2 * lowest)
  }

  @Test("it has the registers of Intel and of AMD, and reads 0 elsewhere")
  func registers() throws {
    let cpu = SimulatedCPU(packages: [.constant(watts: 10), .constant(watts: 20)], cpusPerPackage: 2)
    #expect(try cpu.read(0x606, cpu: 0) == 0xA0E03)
    #expect(try cpu.read(0xC001_0299, cpu: 3) == 0xA1000)
    #expect(try cpu.read(0x1B0, cpu: 0) == 0)
    #expect(throws: RegisterError.offline(cpu: 4)) { try cpu.read(0x611, cpu: 4) }
    #expect(throws: RegisterError.offline(cpu: -1)) { try cpu.read(0x611, cpu: -1) }
    #expect(cpu.packages.map(\.cpus) == [[0, 1], [2, 3]])
  }

  @Test("each of AMD's cores has a counter, which its threads share: together they draw what Intel's core domain does")
  func cores() throws {
    let cpu = SimulatedCPU(
      packages: [.constant(watts: 100_000)], cpusPerPackage: 6, threadsPerCore: 2, counterStart: 0)
    #expect(cpu.packages.first?.physicalCores?.map(\.cpus) == [[0, 1], [2, 3], [4, 5]])
    let end = ContinuousClock.now + .milliseconds(200)
    while ContinuousClock.now < end {}
    func joules(_ address: UInt32, _ cpu: SimulatedCPU, _ number: Int, _ perJoule: Double) throws -> Double {
      Double(try cpu.read(address, cpu: number)) / perJoule
    }
    let before = try joules(0x639, cpu, 0, 16_384)
    let cores = try (0..<6).map { try joules(0xC001_029A, cpu, $0, 65_536) }
    let after = try joules(0x639, cpu, 0, 16_384)
    for (number, share) in [1, 1, 2, 2, 3, 3].enumerated() {
      #expect(cores[number] >= before * Double(share) / 6 * 0.999 && cores[number] <= after * Double(share) / 6 * 1.001)
    }
  }

  @Test("its domains draw their share of the package's load")
  func domains() throws {
    let cpu = SimulatedCPU(packages: [.constant(watts: 1_000_000)], cpusPerPackage: 2, counterStart: 1)
    let package = Double(try cpu.read(0x611, cpu: 0) - 1)
    let shares: [(UInt32, Double)] = [(0x639, 0.7), (0x641, 0.1), (0x619, 0.25), (0x64D, 1.5)]
    for (address, share) in shares {
      // Read a moment later, so a little more: an update is a millisecond.
      let counts = Double(try cpu.read(address, cpu: 1) - 1)
      #expect(counts >= share * package && counts < share * (package + 0.1 * 1_000_000 * 16_384))
    }
  }

  @Test("as a source it says that it is simulated, and its meter shows believable watts")
  func source() throws {
    var source = try EnergySources.simulated()
    #expect(source.isSimulated && source.summary.contains("invented"))
    var meter = PowerMeter()
    _ = meter.measure(source.read())
    while true {
      guard case .window(let window) = meter.measure(source.read()) else { continue }
      #expect(window.sample.watts > 0 && window.sample.watts < 1000)
      break
    }
  }
}
