import Foundation
import RAPL
import SystemCalls
import Testing

@testable import PowerSources

/// Files that are only said to be there.
private struct SaidFiles: MachineFiles {
  var texts: [String: String] = [:]
  var links: [String] = []

  func text(_ path: String) throws(FileError) -> String {
    guard let text = texts[path] else { throw FileError(path: path, errno: ENOENT) }
    return text
  }

  func names(in folder: String) throws(FileError) -> [String] {
    let below = (texts.keys + links).filter { $0.hasPrefix(folder + "/") }
    let names = Set(below.compactMap { $0.dropFirst(folder.count + 1).split(separator: "/").first.map(String.init) })
    if names.isEmpty { throw FileError(path: folder, errno: ENOENT) }
    return Array(names)
  }

  func has(_ path: String) -> Bool { texts[path] != nil }
}

@Suite("What stands between the counters and a process")
struct SurroundingsTests {
  @Test(
    "a virtual machine without the CPU's flag is found by its firmware or its devices, and a real one is not taken for one",
    arguments: [
      (["/sys/class/dmi/id/sys_vendor": "QEMU\n"], "QEMU"),
      (["/sys/class/dmi/id/product_name": "VMware Virtual Platform\n"], "VMware"),
      (["/sys/class/dmi/id/sys_vendor": "innotek GmbH\n"], "VirtualBox"),
      (
        [
          "/sys/class/dmi/id/sys_vendor": "Microsoft Corporation\n",
          "/sys/class/dmi/id/product_name": "Virtual Machine\n",
        ],
        "Hyper-V"
      ),
      (
        ["/sys/class/dmi/id/sys_vendor": "Microsoft Corporation\n", "/sys/class/dmi/id/product_name": "Surface Pro\n"],
        nil
      ),
      (["/sys/class/dmi/id/sys_vendor": "Amazon EC2\n", "/sys/class/dmi/id/product_name": "m5.large\n"], "Amazon EC2"),
      (["/sys/class/dmi/id/sys_vendor": "Amazon EC2\n", "/sys/class/dmi/id/product_name": "m5.metal\n"], nil),
      (["/sys/bus/pci/devices/0000:00:01.0/vendor": "0x1b36\n"], "QEMU"),
      (["/sys/bus/pci/devices/0000:00:0f.0/vendor": "0x15ad\n"], "VMware"),
      (["/sys/bus/pci/devices/0000:00:1f.0/vendor": "0x8086\n", "/sys/class/dmi/id/sys_vendor": "Dell Inc.\n"], nil),
      (["/sys/bus/pci/devices/0000:01:00.0/vendor": "0x1af4\n"], nil),
      ([:], nil),
    ] as [([String: String], String?)])
  func hypervisor(texts: [String: String], name: String?) {
    #expect(Surroundings(root: "", files: SaidFiles(texts: texts)).hypervisor == name)
  }

  @Test(
    "a container is found without its manager's file",
    arguments: [
      (["/.dockerenv": ""], "Docker"), (["/run/systemd/container": "lxc\n"], "lxc"),
      (["/var/run/secrets/kubernetes.io/serviceaccount/namespace": "default"], "Kubernetes"),
      (["/proc/self/cgroup": "0::/kubepods.slice/kubepods-burstable.slice/cri-containerd-1234.scope\n"], "Kubernetes"),
      (
        ["/proc/self/mountinfo": "29 1 8:1 /var/lib/kubelet/pods/1/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"],
        "Kubernetes"
      ),
      (["/proc/self/cgroup": "12:cpu:/docker/1234\n"], "Docker"),
      (
        [
          "/proc/self/mountinfo":
            "1 2 0:50 / / rw - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/AB,workdir=/x\n"
        ], "Docker"
      ),
      (
        [
          "/proc/self/mountinfo":
            "1 2 0:50 / / rw - overlay overlay rw,lowerdir=/x/io.containerd.snapshotter.v1.overlayfs/1\n"
        ], "containerd"
      ),
      (
        [
          "/proc/self/mountinfo":
            "1 2 0:50 / / rw - overlay overlay rw,lowerdir=/var/lib/containers/storage/overlay/l/A\n"
        ],
        "CRI-O"
      ),
      // A host has its containers' mounts in its own list.
      (
        [
          "/proc/self/mountinfo": """
          22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
          90 22 0:50 / /var/lib/docker/overlay2/1234/merged rw - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/AB
          91 22 0:51 / /run/docker/netns/1234 rw - nsfs nsfs rw
          95 22 0:50 / /run/containerd/1 rw - overlay overlay rw,lowerdir=/x/io.containerd.snapshotter.v1.overlayfs/1
          96 22 0:50 / /var/lib/containers/storage/overlay/1/merged rw - overlay overlay rw
          92 22 0:52 / /var/lib/kubelet/pods/1/volumes/kubernetes.io~projected/x rw - tmpfs tmpfs rw
          93 22 0:53 / /run/libpod/x rw - tmpfs tmpfs rw
          94 22 0:54 / /var/lib/lxc/rootfs rw - ext4 /dev/sda2 rw

          """
        ], nil
      ),
      (["/proc/self/cgroup": "0::/user.slice/user-1000.slice/session-1.scope\n"], nil),
    ] as [([String: String], String?)])
  func container(texts: [String: String], name: String?) {
    #expect(Surroundings(root: "", files: SaidFiles(texts: texts)).container == name)
  }

  @Test(
    "root of a user namespace is not the machine's",
    arguments: [
      ("0 0 0 0", "         0          0 4294967295\n", false), ("0 0 0 0", "         0       1000          1\n", true),
      ("0 0 0 0", "0 100000 65536\n", true), ("1000 1000 1000 1000", "1000 1000 1\n", false),
    ])
  func namespace(users: String, map: String, isIt: Bool) {
    let files = SaidFiles(texts: ["/proc/self/status": "Name:\tx\nUid:\t\(users)\n", "/proc/self/uid_map": map])
    #expect(Surroundings(root: "", files: files).isNamespaceRoot == isIt)
  }

  @Test("one node for each package is given to a container")
  func devices() {
    let packages = [
      PackageCPUs(id: PackageID(package: 0), cpus: [0, 1]), PackageCPUs(id: PackageID(package: 1), cpus: [6, 7]),
    ]
    #expect(Surroundings.devices(packages) == "--device /dev/cpu/0/msr --device /dev/cpu/6/msr --cap-add SYS_RAWIO")
    #expect(Surroundings.devices([]) == "--device /dev/cpu/0/msr --cap-add SYS_RAWIO")
  }

  @Test("zones that are links to nowhere are hidden; a domain that goes away takes no other along")
  func masked() throws {
    let masked = SaidFiles(links: ["/sys/class/powercap/intel-rapl:0", "/sys/class/powercap/intel-rapl:0:0"])
    let error = #expect(throws: SourceError.self) {
      try PowercapTree(root: "", files: masked).entries(vendor: .intel)
    }
    #expect(error.map { "\($0)" }?.contains("broken links: a container hides them") == true)
    let going = SaidFiles(
      texts: ["/sys/class/powercap/intel-rapl:0/name": "package-0\n"], links: ["/sys/class/powercap/intel-rapl:0:0"])
    #expect(try PowercapTree(root: "", files: going).entries(vendor: .intel).map(\.zone.domain) == [.package])
    // A package that goes away makes the sum false.
    let half = SaidFiles(
      texts: ["/sys/class/powercap/intel-rapl:0/name": "package-0\n"], links: ["/sys/class/powercap/intel-rapl:1"])
    #expect(throws: SourceError.self) { try PowercapTree(root: "", files: half).entries(vendor: .intel) }
  }

  @Test(
    "names that are none are no zones, and a name that is there twice is one",
    arguments: [
      "", "\n", "package-", "package-0\nfoo", "package-x", "package--1", "package-0-die-", "dram", "psys-", "ｐackage-0",
    ])
  func names(name: String) throws {
    var files = SaidFiles(texts: [
      "/sys/class/powercap/intel-rapl:0/name": "package-0\n", "/sys/class/powercap/intel-rapl:1/name": name + "\n",
    ])
    #expect(try PowercapTree(root: "", files: files).entries(vendor: .intel).map(\.zone.package.package) == [0])
    files.texts["/sys/class/powercap/intel-rapl:0/name"] = nil
    #expect(throws: SourceError.self) { try PowercapTree(root: "", files: files).entries(vendor: .intel) }
  }
}
