internal import CMSRShim
internal import Formatting
package import RAPL
package import SystemCalls

/// What separates this process from the machine's counters: a virtual machine, a container, a user namespace.
package struct Surroundings {
  private let root: String
  private let files: any MachineFiles

  /// The surroundings below a folder that stands for /; "" is / itself.
  package init(root: String, files: any MachineFiles) {
    self.root = root
    self.files = files
  }

  /// The hypervisor of this virtual machine, by its firmware and devices: some hide the CPU's flag. nil if neither shows one.
  ///
  /// Sources: systemd's src/basic/virt.c for the names in the firmware; pci.ids for the devices' vendors. Virtio's (1AF4h) is
  /// no proof, because network cards for real machines have it too.
  package var hypervisor: String? {
    let fields = ["sys_vendor", "product_name", "product_version", "board_vendor", "bios_vendor"].map {
      text("/sys/class/dmi/id/\($0)")
    }
    // Real machines of Amazon have ".metal" in their names.
    let isMetal = fields.contains { $0.contains(".metal") }
    for (prefix, name) in Self.firmware where fields.contains(where: { $0.hasPrefix(prefix) }) {
      if !(isMetal && prefix == "Amazon EC2") { return name }
    }
    if fields[0] == "Microsoft Corporation" && fields[1] == "Virtual Machine" { return "Hyper-V" }
    let folder = "/sys/bus/pci/devices"
    for device in ((try? files.names(in: root + folder)) ?? []).sorted() {
      if let name = Self.devices[text("\(folder)/\(device)/vendor").lowercased()] { return name }
    }
    return nil
  }

  /// Whether this is a virtual machine, by the CPU's flag, the firmware or the devices; nil if there is no cpuinfo to show it.
  package var isVirtual: Bool? {
    let cpuinfo = text("/proc/cpuinfo")
    return cpuinfo.isEmpty ? nil : Self.showsHypervisor(cpuinfo) || hypervisor != nil
  }

  /// Whether the first processor of a cpuinfo has the flag that marks a virtual CPU.
  package static func showsHypervisor(_ cpuinfo: String) -> Bool {
    let flags = cpuinfo.split(separator: "\n").first { $0.hasPrefix("flags") } ?? ""
    return flags.split(whereSeparator: \.isWhitespace).contains("hypervisor")
  }

  private static let firmware = [
    ("QEMU", "QEMU"), ("KVM", "KVM"), ("OpenStack", "OpenStack"), ("KubeVirt", "KubeVirt"),
    ("Amazon EC2", "Amazon EC2"),
    ("Google Compute Engine", "Google Compute Engine"), ("VMware", "VMware"), ("VMW", "VMware"),
    ("innotek GmbH", "VirtualBox"), ("VirtualBox", "VirtualBox"), ("Xen", "Xen"), ("Bochs", "Bochs"),
    ("Parallels", "Parallels"), ("BHYVE", "bhyve"), ("Hyper-V", "Hyper-V"), ("Apple Virtualization", "Apple"),
    ("Cloud Hypervisor", "Cloud Hypervisor"),
  ]

  private static let devices = [
    "0x1b36": "QEMU", "0x1234": "QEMU", "0x15ad": "VMware", "0x80ee": "VirtualBox", "0x5853": "Xen",
    "0x1ab8": "Parallels",
  ]

  /// The kind of this container; nil outside of one.
  package var container: String? {
    if has("/.dockerenv") { return "Docker" }
    if has("/run/.containerenv") { return "Podman" }
    if let name = text("/run/systemd/container").split(whereSeparator: \.isWhitespace).first { return String(name) }
    if (try? files.names(in: "\(root)/var/run/secrets/kubernetes.io")) != nil { return "Kubernetes" }
    let traces = text("/proc/self/cgroup") + ownMounts
    for (trace, name) in [
      ("kubepods", "Kubernetes"), ("/kubelet/pods/", "Kubernetes"), ("/docker", "Docker"), ("libpod", "Podman"),
      ("lxc.payload", "LXC"), ("/lxc/", "LXC"), ("cri-containerd", "containerd"),
      ("io.containerd.snapshotter", "containerd"), ("/containers/storage/overlay", "CRI-O"),
    ] where traces.contains(trace) {
      return name
    }
    // Nothing else breaks powercap's links.
    do throws(SourceError) {
      _ = try PowercapTree(root: root, files: files).entries(vendor: .intel)
    } catch .maskedPowercap {
      return "of an unknown kind"
    } catch {}
    return nil
  }

  /// The mounts that a container has for itself, as the kernel lists them. A host has those of all its containers in its list,
  /// elsewhere. Source: proc(5), /proc/pid/mountinfo: the fifth word is where it is mounted.
  private var ownMounts: String {
    let own: Set<Substring> = ["/", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/termination-log"]
    return text("/proc/self/mountinfo").split(separator: "\n").filter { line in
      let words = line.split(separator: " ", maxSplits: 5)
      return words.count > 4 && own.contains(words[4])
    }.joined(separator: "\n")
  }

  /// Whether this process is root in a user namespace of its own, and so not the machine's root.
  package var isNamespaceRoot: Bool {
    let users = text("/proc/self/status").split(separator: "\n").first { $0.hasPrefix("Uid:") } ?? ""
    let ids = users.split(whereSeparator: \.isWhitespace)
    return ids.count > 2 && ids[2] == "0" && isInUserNamespace
  }

  /// Whether this process is in a user namespace of its own: its capabilities are then not the machine's.
  package var isInUserNamespace: Bool {
    // The machine's own namespace maps all numbers to themselves. Source: user_namespaces(7).
    let map = text("/proc/self/uid_map").split(whereSeparator: \.isWhitespace)
    return !map.isEmpty && map != ["0", "0", "4294967295"]
  }

  /// How the kernel is locked down; nil if it is not, or does not tell. Source: kernel_lockdown(7).
  package var lockdown: String? {
    let modes = text("/sys/kernel/security/lockdown")
    guard let start = modes.firstIndex(of: "["), let end = modes[start...].firstIndex(of: "]") else { return nil }
    let mode = String(modes[modes.index(after: start)..<end])
    return mode == "none" ? nil : mode
  }

  /// Whether the kernel is locked down; nil if it does not tell.
  package var isLockedDown: Bool? { text("/sys/kernel/security/lockdown").contains("[") ? lockdown != nil : nil }

  /// Whether this process has CAP_SYS_RAWIO, which the msr driver demands; nil if that is unknown.
  package var hasRawIO: Bool? {
    let line = text("/proc/self/status").split(separator: "\n").first { $0.hasPrefix("CapEff:") } ?? ""
    guard let word = line.split(whereSeparator: \.isWhitespace).last, let capabilities = UInt64(word, radix: 16) else {
      return nil
    }
    return capabilities & cmsr_raw_io_mask() != 0
  }

  /// The options that give a container the counters: one CPU's node for each package. nil if its CPU has no registers.
  package static func devices(_ tree: MachineTree) -> String? {
    guard let identity = try? tree.identity(), let map = RegisterMap(vendor: identity.vendor),
      CPUModel(identity).hasRegisters
    else { return nil }
    return devices(PackageCPUs.group((try? tree.places()) ?? [], by: map))
  }

  package static func devices(_ packages: [PackageCPUs]) -> String {
    let cpus = packages.compactMap(\.cpus.first)
    let nodes = (cpus.isEmpty ? [0] : cpus).map { "--device /dev/cpu/\($0)/msr" }
    return nodes.joined(separator: " ") + " --cap-add SYS_RAWIO"
  }

  private func text(_ path: String) -> String {
    (try? files.text(root + path)).map { String(Substring($0).trimmed) } ?? ""
  }

  private func has(_ path: String) -> Bool { files.has(root + path) }
}
