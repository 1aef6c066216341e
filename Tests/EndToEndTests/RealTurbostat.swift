import Foundation

/// The real turbostat, reading the FUSE device as any CPU that is named.
final class RealTurbostat {
  static let isThere =
    Executables.hasDevice && cpus % 2 == 0
    && ["/usr/sbin/turbostat", "/usr/bin/cc"].allSatisfy {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  static let need =
    "needs root, /dev/fuse, the msr device, an even number of CPUs, turbostat (linux-cpupower) and cc"

  private static let cpus = sysconf(Int32(_SC_NPROCESSORS_ONLN))
  private static let impersonate = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "MSRDevice/turbostat/impersonate.c").path

  let device: Device
  private let folder: TemporaryFolder

  /// - Parameters:
  ///   - cpu: which CPU turbostat takes this one for: vendor, family and model.
  ///   - packages: how many packages the device's CPUs are of.
  init(cpu: String = "GenuineIntel:6:0x5E", packages: Int = 2, device arguments: [String]) throws {
    device = try Device(arguments + ["--cpus-per-package", "\(Self.cpus / packages)"])
    folder = try TemporaryFolder()
    let library = folder.file("impersonate.so")
    let compiler = try Child.run(["cc", "-shared", "-fPIC", "-o", library, Self.impersonate])
    guard compiler.exitCode == 0 else { throw TestFailure(compiler.output) }
    let script = """
      #!/bin/sh
      IMPERSONATE=\(cpu) LD_PRELOAD=\(library) exec /usr/sbin/turbostat "$@"
      """
    _ = FileManager.default.createFile(
      atPath: path, contents: Data(script.utf8), attributes: [.posixPermissions: 0o755])
  }

  /// Puts each CPU on a die of its own, numbered across packages.
  func eachCPUOnADie() throws {
    for cpu in 0..<Self.cpus {
      let topology = device.root.file("sys/devices/system/cpu/cpu\(cpu)/topology")
      for (name, text) in [
        ("die_id", "\(cpu)"), ("die_cpus_list", "\(cpu)"), ("die_cpus", String(1 << cpu, radix: 16)),
      ] {
        try "\(text)\n".write(toFile: "\(topology)/\(name)", atomically: false, encoding: .utf8)
      }
    }
  }

  /// A program that stands for turbostat.
  var path: String { folder.file("turbostat") }

  /// A command that runs the one behind it where the device's registers and CPUs stand for the machine's own.
  var namespace: [String] {
    [
      "unshare", "-m", "sh", "-c",
      """
      mkdir -p /dev/cpu && mount --bind \(device.root.file("dev/cpu")) /dev/cpu &&
      mount --bind \(device.root.file("sys/devices/system/cpu")) /sys/devices/system/cpu && exec "$@"
      """, "sh",
    ]
  }
}
