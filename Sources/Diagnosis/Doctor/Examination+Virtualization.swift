internal import CMSRShim
internal import PowerSources

extension Examination {
  /// Examines the virtual machine and the container, if there are any.
  mutating func lookAtVirtualization() {
    if let virtualMachine {
      obstruct(
        .virtualMachine, "\(virtualMachine) Hypervisors usually hide the energy registers.",
        fix: "measure on the physical machine.")
    } else if identity != nil {
      ok(.virtualMachine, "This is not a virtual machine.")
    }
    container = surroundings.container
  }

  /// "This is a virtual machine (KVM)."; nil on real hardware.
  var virtualMachine: String? {
    hypervisor.map { "This is a virtual machine\($0 == Hypervisor.unknown ? "" : " (\($0))")." }
  }

  /// What separates this process from the counters. The service checks the same.
  var surroundings: Surroundings { Surroundings(root: machine.root, files: machine) }

  /// Reports a container, and what it needs.
  mutating func lookAtContainer() {
    guard let container else { return }
    let text = "This is a container (\(container))."
    if announcesNoRAPL || isOlderThanRAPL {
      return skip(.container, "\(text) Nothing that its host could give it helps this CPU (see CPU above).")
    }
    let devices = Surroundings.devices(machine.tree)
    let hidden = SourceError.hidden(path: "", container: container, devices: devices)
    let lacks = devices == nil ? "show it the energy zones" : "give it /dev/cpu and CAP_SYS_RAWIO"
    warn(.container, "\(text) Only its host can \(lacks).", fix: hidden.remedy(circumstances))
  }
}

/// The hypervisor that this program runs under.
enum Hypervisor {
  /// The name if there is a hypervisor whose kind is unknown.
  static let unknown = "unknown"

  /// Its name, by CPUID leaf 40000000h; nil on real hardware.
  static var name: String? {
    let leaf = cmsr_cpuid_hypervisor()
    let bytes = [leaf.ebx, leaf.ecx, leaf.edx].flatMap { word in
      (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
    }
    let signature = String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self)
    return signature.isEmpty ? nil : name(signature: signature)
  }

  /// The name for a signature. Sources: each vendor's documentation, and systemd's src/basic/virt.c for the list.
  static func name(signature: String) -> String {
    switch signature {
    case "KVMKVMKVM", "Linux KVM Hv": "KVM"
    case "TCGTCGTCGTCG": "QEMU, emulating the CPU"
    case "Microsoft Hv": "Hyper-V"
    case "VMwareVMware": "VMware"
    case "VBoxVBoxVBox": "VirtualBox"
    case "XenVMMXenVMM": "Xen"
    case "bhyve bhyve ": "bhyve"
    case "QNXQVMBSQG": "QNX"
    case "ACRNACRNACRN": "ACRN"
    default: "\"\(signature)\""
    }
  }
}
