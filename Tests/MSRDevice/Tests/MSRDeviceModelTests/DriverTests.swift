import MSRDeviceModel
import PowerSources
import Testing

/// What msr_read does in arch/x86/kernel/msr.c.
struct DriverTests {
  private static let units: [UInt8] = [0x03, 0x0E, 0x0A, 0, 0, 0, 0, 0]
  private let cpu = TestedCPU(FaultyCPU(packages: [.constant(watts: 42.5)], cpusPerPackage: 2))

  @Test(
    "the offset's low 32 bits name the register, and unknown ones read 0",
    arguments: [
      (0x606, units), (0x1_0000_0606, units), (0x7FFF_FFFF_0000_0606, units),
      (0x607, Array(repeating: 0, count: 8)), (0, Array(repeating: 0, count: 8)),
    ] as [(Int64, [UInt8])])
  func offsets(offset: Int64, expected: [UInt8]) throws {
    #expect(try cpu.bytes(8, at: offset, cpu: 1) == expected)
  }

  @Test("8 * n bytes are the same register n times", arguments: [0, 1, 2, 512])
  func repeating(times: Int) throws {
    let bytes = try cpu.bytes(8 * times, at: 0x606, cpu: 0)
    #expect(bytes == (0..<times).flatMap { _ in Self.units })
  }

  @Test("other sizes are refused, even of an offline CPU", arguments: [1, 4, 7, 9, 12])
  func sizes(count: Int) {
    #expect(cpu.apply(.enxio(cpu: 0, true)))
    #expect(throws: DeviceError.invalid) { try cpu.bytes(count, at: 0x606, cpu: 0) }
  }

  @Test("a register that faults is EIO, an offline CPU ENXIO, each of n times a read of its own")
  func errors() throws {
    #expect(cpu.apply(.eio(package: 0, .reads(1))))
    #expect(throws: DeviceError.fault) { try cpu.bytes(16, at: 0x611, cpu: 0) }
    #expect(cpu.apply(.zero(package: 0, .reads(2))))
    let bytes = try cpu.bytes(24, at: 0x611, cpu: 0)
    #expect(bytes[..<16] == [UInt8](repeating: 0, count: 16)[...])
    #expect(bytes[16...] != [UInt8](repeating: 0, count: 8)[...])
    #expect(cpu.apply(.enxio(cpu: 0, true)))
    #expect(throws: DeviceError.offline) { try cpu.bytes(8, at: 0x606, cpu: 0) }
    #expect([DeviceError.fault, .offline, .invalid].map(\.errno) == [5, 6, 22])
  }
}

struct NodeTests {
  @Test(
    "a path names a node, or nothing",
    arguments: [
      ("/", Node.root), ("/control", .control), ("/energy", .energy), ("/0", .folder(cpu: 0)),
      ("/3/msr", .msr(cpu: 3)), ("/10/msr", .msr(cpu: 10)), ("/11", nil), ("/11/msr", nil), ("/-1", nil), ("/+1", nil),
      ("/01/msr", nil), ("/0/msr/x", nil), ("/0/control", nil), ("/msr", nil), ("/99999999999999999999", nil),
    ])
  func paths(path: String, expected: Node?) {
    #expect((try? Node(path: path, cpuCount: 11, packageCount: 1)) == expected)
  }

  @Test("every name in a folder is a node, and files have none")
  func names() throws {
    let names = try Node.root.names(cpuCount: 2, packageCount: 1)
    #expect(names == ["control", "energy", "powercap", "0", "1"])
    for name in names { _ = try Node(path: "/\(name)", cpuCount: 2, packageCount: 1) }
    #expect(try Node.folder(cpu: 1).names(cpuCount: 2, packageCount: 1) == ["msr"])
    #expect(throws: DeviceError.file) { try Node.control.names(cpuCount: 2, packageCount: 1) }
  }
}
