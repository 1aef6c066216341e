import Foundation
import TestSupport
import Testing

@Suite("Counters of machines that people reported", .namesTrials, .serialized)
struct ReportedCounterTests {
  /// Within a tenth: whoever moves the counters may be late on a busy machine, and a package that is missing or counted twice
  /// is more.
  private func expect(_ watts: Double, from service: Service) throws {
    let client = try service.client()
    _ = try client.reading()
    for _ in 0..<3 {
      let reading = try client.reading()
      #expect(reading.status == "ok" && abs(reading.power_watts - watts) <= 0.1 * watts, "\(reading)")
    }
  }

  private func doctor(_ root: String) throws -> (exitCode: Int32, output: String) {
    try Child.run([Executables.service, "doctor", "--root", root])
  }

  struct Dies: Sendable, CustomStringConvertible {
    let description: String
    var vendor = "AuthenticAMD"
    var family = 23
    var dies = 4
    /// The name of a zone, by its socket and its number.
    var name: @Sendable (Int, Int) -> String = { "package-\($0)-die-\($1)" }
    /// What is said of the zones that show a counter again.
    var again: [String] = []
  }

  private static let dies = [
    Dies(description: "AMD's first generation"),
    Dies(description: "Hygon's", vendor: "HygonGenuine", family: 24), Dies(description: "two dies", dies: 2),
    Dies(
      description: "names that tell of no socket", dies: 2, name: { "package-\($1)" },
      again: [
        "package 1 shows the same energy counter as package 0",
        "package 3 shows the same energy counter as package 2",
      ]),
  ]

  @Test(
    "dies that each show their socket's counter are two packages")
  func dies() async { await atOnce(Self.dies) { try dies($0) } }

  private func dies(_ machine: Dies) throws {
    let zones = (0..<2 * machine.dies).map { die in
      ZoneFolder.Zone(
        folder: "intel-rapl:\(die)", name: machine.name(die / machine.dies, die), package: die / machine.dies)
    }
    let folder = try ZoneFolder(
      cpuinfo: """
        vendor_id\t: \(machine.vendor)
        cpu family\t: \(machine.family)
        model\t\t: 1
        power management: ts ttp tm [13] [14]
        """,
      places: (0..<2 * machine.dies).map { (package: $0 / machine.dies, die: $0) }, zones: zones, watts: [100, 60])
    let service = try Service(["--source", "powercap", "--root", folder.root.path])
    #expect(service.child.output.contains("2 packages, from the kernel's powercap"), "\(service.child.output)")
    try expect(160, from: service)
    let (exitCode, output) = try doctor(folder.root.path)
    #expect(exitCode == 0 && output.contains("can be measured by powercap"), "\(output)")
    for sentence in machine.again {
      #expect(output.contains(sentence) && service.child.output.contains(sentence), "\(output)")
    }
  }

  @Test("a zone that lacks is refused by the service and by the doctor")
  func missingZone() throws {
    let folder = try ZoneFolder(
      cpuinfo: "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n", places: [(0, 0), (1, 0)],
      zones: [ZoneFolder.Zone(folder: "intel-rapl:0", name: "package-0", package: 0)], watts: [100, 60])
    let check = try Child.run([Executables.service, "serve", "--check", "--root", folder.root.path])
    let told = try doctor(folder.root.path)
    for (exitCode, output) in [check, told] {
      #expect(exitCode == 1 && output.contains("has zones for 1 package, but the machine has 2"), "\(output)")
    }
  }

  @Test("powercap's zones that have come back are read by a service that is started anew")
  func renewedZone() throws {
    let folder = try ZoneFolder(
      cpuinfo: "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n", places: [(0, 0)],
      zones: [ZoneFolder.Zone(folder: "intel-rapl:0", name: "package-0", package: 0)], watts: [100])
    let service = try Service(["--source", "powercap", "--root", folder.root.path, "--interval", "0.5"])
    let client = try service.client()
    _ = try client.reading()
    let file = folder.root.file("sys/class/powercap/intel-rapl:0/energy_uj")
    try FileManager.default.removeItem(atPath: file)
    try "000001000000\n".write(toFile: file, atomically: false, encoding: .utf8)
    #expect(try service.child.exitCode(seconds: 25) == 75)
    #expect(service.child.output.contains(" was replaced"), "\(service.child.output)")
  }

  struct Names: Sendable, CustomStringConvertible {
    let description: String
    /// Which counter each package of one CPU shows.
    let counters: [Int]
    let watts: Double
    let packages: String
  }

  private static let names = [
    Names(description: "four over one", counters: [0, 0, 0, 0], watts: 40, packages: "1 package,"),
    Names(description: "four over two", counters: [0, 0, 1, 1], watts: 100, packages: "2 packages,"),
    Names(description: "four over two, in turn", counters: [0, 1, 0, 1], watts: 100, packages: "2 packages,"),
  ]

  @Test(
    "one package for each virtual CPU, over fewer counters: each counter is in the sum once",
    .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
  func virtualCPUs() async { await atOnce(Self.names) { try virtualCPUs($0) } }

  private func virtualCPUs(_ names: Names) throws {
    let plan = try TemporaryFolder()
    let all = "0-\(names.counters.count - 1)"
    var lines = ["\(all) 0x606 value 0xa0e03"]
    for (counter, watts) in [40.0, 60.0].enumerated() {
      let cpus = names.counters.indices.filter { names.counters[$0] == counter }.map(String.init)
      guard !cpus.isEmpty else { continue }
      lines.append("\(cpus.joined(separator: ",")) 0x611 counter \(0x100_0000 + counter * 99_000) \(watts * 16_384) 32")
    }
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: plan.file("plan"), atomically: false, encoding: .utf8)
    let device = try Device(
      ["--registers", plan.file("plan"), "--cpus-per-package", "1"] + names.counters.flatMap { _ in ["--watts", "1"] })
    let service = try Service(["--root", device.root.path])
    #expect(service.child.output.contains(names.packages), "\(service.child.output)")
    try expect(names.watts, from: service)
    let (exitCode, output) = try doctor(device.root.path)
    #expect(exitCode == 0 && output.contains("so it is not read"), "\(output)")
  }

  private static let lists = ["0-1\n", "0\n", "3\n"]

  @Test(
    "a container whose list of CPUs is its own is measured whole",
    .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
  func ownList() async { await atOnce(Self.lists) { try ownList(online: $0) } }

  private func ownList(online: String) throws {
    let device = try Device(["--watts", "40", "--watts", "60"])
    try online.write(
      toFile: device.root.file("sys/devices/system/cpu/online"), atomically: false, encoding: .utf8)
    let service = try Service(["--root", device.root.path])
    try expect(100, from: service)
    let (exitCode, output) = try doctor(device.root.path)
    #expect(exitCode == 0 && output.contains("2 packages: package 0"), "\(output)")
  }

  @Test(
    "a container that hides a package is refused by the service and by the doctor",
    .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
  func hiddenPackage() throws {
    let device = try Device(["--watts", "40", "--watts", "60"])
    let cpus = "sys/devices/system/cpu"
    try "0-1\n".write(toFile: device.root.file("\(cpus)/online"), atomically: false, encoding: .utf8)
    for cpu in 2...3 { try FileManager.default.removeItem(atPath: device.root.file("\(cpus)/cpu\(cpu)")) }
    let check = try Child.run(
      [Executables.service, "serve", "--check", "--source", "msr", "--root", device.root.path])
    #expect(check.exitCode == 1 && check.output.contains("shows package 1, but none of its CPUs"), "\(check.output)")
    // Powercap shows both.
    let (exitCode, output) = try doctor(device.root.path)
    #expect(
      output.contains("shows package 1, but none of its CPUs") && output.contains("can be measured by powercap"),
      "\(output)")
    #expect(exitCode == 0)
    try expect(100, from: try Service(["--root", device.root.path]))
  }

  private static let isolatedLists = [
    ("sys/devices/system/cpu/isolated", "0\n"), ("sys/devices/system/cpu/nohz_full", "0,2\n"),
    ("sys/fs/cgroup/cpuset.cpus.isolated", "0\n"),
  ]

  @Test(
    "a CPU that is kept free for one task is not read through",
    .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
  func isolated() async { await atOnce(Self.isolatedLists) { try isolated(list: $0.0, cpus: $0.1) } }

  private func isolated(list: String, cpus: String) throws {
    let plan = try TemporaryFolder()
    // Whoever asks CPU 0 fails.
    try """
    0 0x606 eio
    0 0x611 eio
    1-3 0x606 value 0xa0e03
    1 0x611 counter 0x1000000 655360 32
    2-3 0x611 counter 0x2000000 983040 32

    """.write(toFile: plan.file("plan"), atomically: false, encoding: .utf8)
    let device = try Device(["--registers", plan.file("plan"), "--watts", "1", "--watts", "1"])
    let path = device.root.file(list)
    try FileManager.default.createDirectory(
      at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
    let refused = try Child.run([
      Executables.service, "serve", "--check", "--source", "msr", "--root", device.root.path,
    ])
    #expect(refused.exitCode == 1, "\(refused.output)")
    try cpus.write(toFile: path, atomically: false, encoding: .utf8)
    try expect(100, from: try Service(["--source", "msr", "--root", device.root.path]))
    let (exitCode, output) = try doctor(device.root.path)
    #expect(exitCode == 0 && output.contains("can be measured by its msr registers"), "\(output)")
  }
}

extension ReportedCounterTests {
  @Test(
    "a Kubernetes pod, and a container with masked powercap, are told which nodes to have",
    arguments: [
      ["proc/self/cgroup": "0::/kubepods.slice/cri-containerd-1.scope\n"], [:],
      ["run/systemd/container": "lxc\n"],
    ] as [[String: String]])
  func containers(files: [String: String]) throws {
    let folder = try ZoneFolder(
      cpuinfo: "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n", places: [(0, 0), (0, 0), (1, 0)],
      zones: [], watts: [])
    for (path, text) in files {
      let url = URL(filePath: folder.root.file(path))
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: url, atomically: false, encoding: .utf8)
    }
    let powercap = folder.root.file("sys/class/powercap")
    try FileManager.default.createDirectory(atPath: powercap, withIntermediateDirectories: true)
    for zone in ["intel-rapl:0", "intel-rapl:1"] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(powercap)/\(zone)", withDestinationPath: "../../devices/virtual/powercap/intel-rapl/\(zone)")
    }
    let check = try Child.run([Executables.service, "serve", "--check", "--root", folder.root.path])
    for (exitCode, output) in [check, try doctor(folder.root.path)] {
      #expect(exitCode == 1 && output.contains("container"), "\(output)")
      #expect(output.contains("--device /dev/cpu/0/msr --device /dev/cpu/2/msr --cap-add SYS_RAWIO"), "\(output)")
      #expect(!output.contains("modprobe"), "\(output)")
    }
  }

  @Test("a domain whose file holds no number is left out, and both say so; the package is measured")
  func domainWithoutNumber() throws {
    let folder = try ZoneFolder(
      cpuinfo: "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 94\n", places: [(0, 0)],
      zones: [
        ZoneFolder.Zone(folder: "intel-rapl:0", name: "package-0", package: 0),
        ZoneFolder.Zone(folder: "intel-rapl:0:0", name: "core", package: 1),
      ], watts: [100, 0])
    // In place of the file that moves.
    let energy = folder.root.file("sys/class/powercap/intel-rapl:0:0/energy_uj")
    try "none\n".write(toFile: energy, atomically: true, encoding: .utf8)
    let service = try Service(["--source", "powercap", "--root", folder.root.path])
    try expect(100, from: service)
    let (exitCode, output) = try doctor(folder.root.path)
    #expect(exitCode == 0, "\(output)")
    for text in [output, service.child.output] {
      #expect(text.contains("core counter of package 0 is not measured"), "\(text)")
      #expect(text.contains("does not contain a plausible number of microjoules"), "\(text)")
    }
  }

  @Test("domains that only root may read are left out, and both say so; the package is measured")
  func domainsOfRoot() throws {
    let folder = try ZoneFolder(
      cpuinfo: "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 94\n", places: [(0, 0)],
      zones: [
        ZoneFolder.Zone(folder: "intel-rapl:0", name: "package-0", package: 0),
        ZoneFolder.Zone(folder: "intel-rapl:0:0", name: "core", package: 0),
      ], watts: [100])
    let range = folder.root.file("sys/class/powercap/intel-rapl:0:0/max_energy_range_uj")
    try "0\n".write(toFile: range, atomically: false, encoding: .utf8)
    let service = try Service(["--source", "powercap", "--root", folder.root.path])
    try expect(100, from: service)
    let (exitCode, output) = try doctor(folder.root.path)
    #expect(exitCode == 0, "\(output)")
    for text in [output, service.child.output] {
      #expect(text.contains("The core counter of package 0 is not measured."), "\(text)")
    }
  }
}
