import Foundation

/// The real turbostat, reading the FUSE device of two packages, by an emulated Intel CPU.
final class RealTurbostat {
  static let isThere =
    Executables.hasDevice && cpus % 2 == 0
    && ["/usr/sbin/turbostat", "/usr/bin/qemu-x86_64", "/usr/bin/cc"].allSatisfy {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  static let need =
    "needs root, /dev/fuse, the msr device, an even number of CPUs, turbostat (linux-cpupower), qemu-x86_64 (qemu-user) and cc"

  private static let cpus = sysconf(Int32(_SC_NPROCESSORS_ONLN))
  private static let unlimited = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "MSRDevice/turbostat/unlimited.c").path

  let device: Device
  private let folder: TemporaryFolder

  /// - Parameter cpu: which CPU to emulate, by qemu's name for it.
  init(cpu: String = "Skylake-Client", device arguments: [String]) throws {
    device = try Device(arguments + ["--cpus-per-package", "\(Self.cpus / 2)"])
    folder = try TemporaryFolder()
    let library = folder.file("unlimited.so")
    let compiler = try Child.run(["cc", "-shared", "-fPIC", "-o", library, Self.unlimited])
    guard compiler.exitCode == 0 else { throw TestFailure(compiler.output) }
    // qemu says which features of the CPU it does not emulate.
    let script = """
      #!/bin/sh
      exec qemu-x86_64 -cpu \(cpu) -E LD_PRELOAD=\(library) /usr/sbin/turbostat "$@"
      """
    _ = FileManager.default.createFile(
      atPath: path, contents: Data(script.utf8), attributes: [.posixPermissions: 0o755])
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
