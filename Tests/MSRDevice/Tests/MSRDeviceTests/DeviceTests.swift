import Foundation
import PowerSources
import RAPL
import Testing

@Suite(
  "The device, mounted", .serialized,
  .enabled(if: MountedDevice.canMount, Comment(rawValue: MountedDevice.needsMount)))
struct DeviceTests {
  private typealias SystemError = RegisterNode.SystemError

  @Test("two packages draw their watts, by either energy register", arguments: [(0x611, 14), (0xC001_029B, 16)])
  func watts(address: UInt32, exponent: Int) throws {
    let device = try MountedDevice(["--watts", "42.5", "--watts", "17.25"])
    let nodes = [try device.node(0), try device.node(2)]
    let first = try nodes.map { try $0.timed(address) }
    var last = first
    // A second of the first package, by its own counter.
    while last[0].value - first[0].value < 42 << exponent {
      usleep(10_000)
      last = try nodes.map { try $0.timed(address) }
    }
    for (index, watts) in [42.5, 17.25].enumerated() {
      let joules = Double(last[index].value - first[index].value) / Double(1 << exponent)
      let measured = joules / (last[index].seconds - first[index].seconds)
      #expect(abs(measured - watts) <= watts * 0.005, "\(measured) W")
    }
  }

  @Test("reads are shaped as the driver's")
  func shape() throws {
    let device = try MountedDevice()
    let node = try device.node(1)
    #expect(try node.value(0x606) == 0xA0E03)
    #expect(try node.value(0x123) == 0)
    #expect(try node.bytes(8, at: 0x1_0000_0606) == [0x03, 0x0E, 0x0A, 0, 0, 0, 0, 0])
    #expect(try node.bytes(16, at: 0x606) == [0x03, 0x0E, 0x0A, 0, 0, 0, 0, 0, 0x03, 0x0E, 0x0A, 0, 0, 0, 0, 0])
    #expect(throws: SystemError(errno: EINVAL)) { try node.bytes(4, at: 0x606) }
  }

  @Test("a zone's energy is for root, as the kernel's, and its name for everyone")
  func ofRoot() throws {
    let device = try MountedDevice()
    let zone = device.mountPoint + "/powercap/intel-rapl:0"
    // The user `nobody` on every system.
    func output(_ file: String, as user: String) throws -> (status: Int32, text: String) {
      let process = Process()
      let output = Pipe()
      process.executableURL = URL(filePath: "/usr/bin/setpriv")
      process.arguments = ["--reuid=\(user)", "--clear-groups", "--", "cat", "\(zone)/\(file)"]
      process.standardOutput = output
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      return (process.terminationStatus, String(decoding: output.fileHandleForReading.availableData, as: UTF8.self))
    }
    #expect(Int(try output("energy_uj", as: "0").text.dropLast()) != nil)
    #expect(try output("energy_uj", as: "65534").status != 0)
    #expect(try output("name", as: "65534").text == "package-0\n")
  }

  @Test("EIO and zero readings come and go by the control file", arguments: [0x611, 0xC001_029B] as [UInt32])
  func readings(address: UInt32) throws {
    let device = try MountedDevice(["--watts", "42.5", "--watts", "17.25"])
    let node = try device.node(0)
    let other = try device.node(2)
    #expect(device.control("zero 0 2\n") == 0)
    #expect(try (0..<2).map { _ in try node.value(address) } == [0, 0])
    #expect(try node.value(address) != 0)
    #expect(device.control("eio 0 1") == 0)
    #expect(throws: SystemError(errno: EIO)) { try node.value(address) }
    #expect(try node.value(address) != 0)
    #expect(device.control("eio 0 on") == 0)
    for _ in 0..<3 { #expect(throws: SystemError(errno: EIO)) { try node.value(address) } }
    #expect(try node.value(0x606) == 0xA0E03)
    #expect(try other.value(address) != 0)
    #expect(device.control("eio 0 off") == 0)
    #expect(try node.value(address) != 0)
  }

  @Test("an offline CPU fails to open and to read, and its open descriptor works again later")
  func offline() throws {
    let device = try MountedDevice()
    let node = try device.node(0)
    #expect(device.control("enxio 0 on") == 0)
    #expect(throws: SystemError(errno: ENXIO)) { try node.value(0x606) }
    #expect(throws: SystemError(errno: ENXIO)) { try device.node(0) }
    #expect(try device.node(1).value(0x606) == 0xA0E03)
    #expect(device.control("enxio 0 off") == 0)
    #expect(try node.value(0x606) == 0xA0E03)
    #expect(throws: SystemError(errno: ENOENT)) { try device.node(2) }
  }

  @Test("counters are reset, set, frozen, and wrap")
  func counters() throws {
    let device = try MountedDevice(["--counter-start", "0xFFFFF000"])
    let node = try device.node(0)
    while try node.value(0x611) >= 0xFFFF_F000 {}
    #expect(device.control("set 0 0x70000000") == 0)
    #expect(try node.value(0x611) >= 0x7000_0000)
    #expect(device.control("freeze 0 on") == 0)
    let stood = try node.value(0x611)
    let joules = try energy(device)[0][1]
    while try energy(device)[0][1] < joules + 1 {}
    #expect(try node.value(0x611) == stood)
    #expect(device.control("freeze 0 off") == 0)
    while try node.value(0x611) == stood {}
    #expect(device.control("reset 0") == 0)
    #expect(try node.value(0x611) < 0x7000_0000)
  }

  @Test("commands that are none are refused", arguments: ["reset 1", "enxio 2 on", "burn 0 on", "\n", "set 0 -1"])
  func refused(command: String) throws {
    let device = try MountedDevice()
    #expect(device.control(command) == EINVAL)
  }

  @Test("the energy file follows the counter")
  func truth() throws {
    let device = try MountedDevice(["--counter-start", "1", "--watts", "42.5"])
    let node = try device.node(0)
    let before = try energy(device)[0][1]
    let counted = Double(try node.value(0x611) - 1) / 16_384
    let after = try energy(device)[0]
    // An update is at most 1.2 ms back, and a count is 2^-14 J.
    #expect((before - 0.0012 * 42.5 - 1 / 16_384.0...after[1]).contains(counted))
    #expect(after[2] == 1)
  }

  @Test("the product reads a composed machine", arguments: [("intel", "Intel"), ("amd", "AMD")])
  func tree(cpuinfo: String, name: String) throws {
    let device = try MountedDevice(["--watts", "42.5", "--watts", "17.25", "--cpuinfo", cpuinfo], tree: true)
    let source = try EnergySources.msr(root: device.folder)
    #expect(source.summary.contains("Simulated \(name) CPU"), "\(source.summary)")
    #expect(source.summary.contains("2 packages"), "\(source.summary)")
  }

  @Test("a signal unmounts it", arguments: [SIGTERM, SIGINT])
  func signals(signal: Int32) throws {
    let device = try MountedDevice()
    #expect(try device.isMounted())
    #expect(device.end(signal) == 0)
    #expect(try !device.isMounted())
  }

  /// The rows of the energy file.
  private func energy(_ device: MountedDevice) throws -> [[Double]] {
    let text = try String(contentsOfFile: device.mountPoint + "/energy", encoding: .utf8)
    return text.split(separator: "\n").map { $0.split(separator: " ").compactMap { Double($0) } }
  }
}
