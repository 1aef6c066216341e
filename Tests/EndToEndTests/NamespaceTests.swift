import Foundation
import Testing

/// The real program as root of a real user namespace, made by an ordinary user: `unshare -U -r`.
@Suite(
  "Root of a user namespace", .serialized, .enabled(if: Executables.isRoot, Comment(rawValue: Executables.needsRoot)))
struct NamespaceTests {
  /// Why a namespace cannot be made here; nil if it can.
  private static let lack: String? = {
    do {
      let (code, output) = try Child.run(["sh", "-c", "\(asRootOfNamespace) true"])
      return code == 0 ? nil : output
    } catch {
      return "\(error)"
    }
  }()

  private static let asRootOfNamespace =
    "setpriv --reuid nobody --regid nogroup --clear-groups unshare -U -r"

  struct Case: CustomTestStringConvertible {
    let testDescription: String
    /// Makes the machine in the folder $R, or in place of this one's own, as root of a mount namespace.
    let machine: String
    var options = ""
    let file: String
  }

  private static let zone = """
    mkdir -p $Z/intel-rapl:0 && echo package-0 >$Z/intel-rapl:0/name && echo 1000000 >$Z/intel-rapl:0/energy_uj
    echo 262143328850 >$Z/intel-rapl:0/max_energy_range_uj && chmod 400 $Z/intel-rapl:0/energy_uj
    """

  private static let folder = """
    set -e; mkdir -p $R/proc $R/sys/devices/system/cpu/cpu0/topology
    printf 'vendor_id\\t: GenuineIntel\\ncpu family\\t: 6\\nmodel\\t\\t: 94\\n' >$R/cpuinfo
    mount --rbind /proc $R/proc && mount --bind $R/cpuinfo $R/proc/cpuinfo
    echo 0 >$R/sys/devices/system/cpu/online; echo 0 >$R/sys/devices/system/cpu/cpu0/topology/physical_package_id
    """

  private static let node = "mkdir -p $R/dev/cpu/0; echo >$R/dev/cpu/0/msr; chmod 600 $R/dev/cpu/0/msr"

  @Test(
    "is refused by the service, by its check and by the doctor alike if the namespace forbids to leave the groups",
    .enabled(if: lack == nil && Executables.hasDevice, "user namespaces or the device are not there"),
    arguments: ["unshare -U -r", "setpriv --reuid nobody --regid nogroup --clear-groups unshare -U -r"])
  func groups(namespace: String) throws {
    let device = try Device(["--watts", "20"])
    let folder = try TemporaryFolder()
    for command in ["serve --socket \(folder.path)/s.sock", "serve --check", "doctor"] {
      let (code, output) = try Child.run(
        ["sh", "-c", #"exec \#(namespace) "$0" \#(command) --root "$1""#, Executables.service, device.root.path])
      #expect(code == 1 && output.contains("this user namespace forbids it"), "\(output)")
      #expect(!output.contains("easurable:") && !output.contains("This machine can be"), "\(output)")
    }
  }

  @Test(
    "holds no capability that opens registers, whatever its number",
    .enabled(if: lack == nil, "user namespaces are not allowed here"),
    arguments: ["unshare -U -r", "unshare -U --map-user=1000 --keep-caps"])
  func capability(namespace: String) throws {
    let script = "\(namespace) \"$0\" doctor"
    let (_, output) = try Child.run(["sh", "-c", script, Executables.service], seconds: 30)
    #expect(output.contains("has CAP_SYS_RAWIO only in a user namespace"), "\(output)")
  }

  @Test(
    "is told by the service and by the doctor that it is not the machine's root",
    .enabled(if: lack == nil, "user namespaces are not allowed here"),
    arguments: [
      Case(
        testDescription: "registers", machine: "\(folder)\n\(node)", options: "--root $R", file: "/dev/cpu/0/msr"),
      Case(
        testDescription: "powercap", machine: "\(folder)\nZ=$R/sys/class/powercap\n\(zone)", options: "--root $R",
        file: "/energy_uj"),
      Case(
        testDescription: "both", machine: "\(folder)\n\(node)\nZ=$R/sys/class/powercap\n\(zone)",
        options: "--root $R", file: "/dev/cpu/0/msr"),
      Case(
        testDescription: "powercap of the machine itself",
        machine: "set -e; mount -t tmpfs none /sys/class; Z=/sys/class/powercap\n\(zone)", file: "/energy_uj"),
    ])
  func told(machine: Case) throws {
    let folder = try TemporaryFolder()
    for command in ["serve --check", "doctor"] {
      let script = """
        R=$1; \(machine.machine)
        set +e; \(Self.asRootOfNamespace) "$0" \(command) \(machine.options); echo "ended $?"
        """
      let root = folder.file(command.prefix(1) + "")
      let (_, output) = try Child.run(
        ["unshare", "-m", "bash", "-c", script, Executables.service, root], seconds: 30)
      #expect(output.contains("ended 1\n"), "\(output)")
      let lines = output.split(separator: "\n").filter { $0.contains("user namespace") }
      #expect(
        lines.contains { $0.contains(machine.file) && $0.contains("root only in a user namespace") }, "\(output)")
      #expect(!output.contains("run as root (sudo)") && !output.contains("sudo pkg-watt-stat doctor"), "\(output)")
    }
  }
}
