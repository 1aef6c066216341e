import PowerSources
import Testing

@testable import MSRDeviceModel

@Suite("Powercap files")
struct PowercapTests {
  @Test(
    "are found by the kernel's names",
    arguments: [
      ("/powercap", .folder), ("/powercap/intel-rapl:1", .zone(.package(1))),
      ("/powercap/intel-rapl:1:0/name", .file(.dram(1), .name)),
      ("/powercap/intel-rapl-mmio:0/energy_uj", .file(.memoryMapped, .energy)),
      ("/powercap/intel-rapl:2", nil), ("/powercap/intel-rapl:0/energy", nil), ("/powercap/intel-rapl:0/name/x", nil),
    ] as [(String, PowercapNode?)])
  func paths(path: String, expected: PowercapNode?) {
    #expect((try? Node(path: path, cpuCount: 4, packageCount: 2)) == expected.map { .powercap($0) })
  }

  @Test("are listed, each of them found again")
  func names() throws {
    for zone in try Node(path: "/powercap", cpuCount: 4, packageCount: 2).names(cpuCount: 4, packageCount: 2) {
      let node = try Node(path: "/powercap/\(zone)", cpuCount: 4, packageCount: 2)
      let files = try node.names(cpuCount: 4, packageCount: 2)
      #expect(files.count == 4)
      for file in files { _ = try Node(path: "/powercap/\(zone)/\(file)", cpuCount: 4, packageCount: 2) }
    }
  }

  @Test("show the registers' energy in microjoules, faults included")
  func energy() throws {
    var cpu = FaultyCPU(
      packages: [.constant(watts: 0), .constant(watts: 0)], cpusPerPackage: 2, counterStart: 16_384 * 5)
    #expect(try cpu.text(of: .package(0), .energy) == "5000000\n")
    // Another counter, so never at the same value.
    #expect(try cpu.text(of: .package(1), .energy) == "9000061\n")
    #expect(try cpu.text(of: .dram(0), .energy) == "5000000\n")
    #expect(try cpu.text(of: .memoryMapped, .name) == "package-0\n")
    #expect(try cpu.text(of: .package(0), .range) == "262143999938\n")
    for number in 0...1 { _ = cpu.apply(.enxio(cpu: number, true)) }
    #expect(throws: DeviceError.gone) { try cpu.text(of: .package(0), .energy) }
    _ = cpu.apply(.eio(package: 1, .on))
    #expect(throws: DeviceError.fault) { try cpu.text(of: .package(1), .energy) }
  }
}
