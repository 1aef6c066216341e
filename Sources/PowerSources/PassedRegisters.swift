internal import Formatting
internal import Glibc
package import SystemCalls

/// The register nodes of CPUs that another process has opened for this one, which then needs no right to open any.
///
/// The msr driver asks for CAP_SYS_RAWIO only when a node is opened, and reads it for everyone who has it open. Source: Linux
/// arch/x86/kernel/msr.c, `msr_open` and `msr_read`.
package final class PassedRegisters: Sendable {
  /// Each CPU's descriptor.
  private let descriptors: [Int: Int32]

  /// Whether a descriptor of this name is meant to be a register node.
  package static func claims(_ name: String) -> Bool { name.hasPrefix(prefix) }

  /// What the names begin with; the CPU's number follows, as in the kernel's names of these devices.
  private static let prefix = "msr"

  /// The name by which a CPU's node is passed: msr0 for CPU 0.
  static func name(of cpu: Int) -> String { "\(prefix)\(cpu)" }

  /// Takes descriptors, and closes them when it goes away.
  ///
  /// - Parameters:
  ///   - files: open descriptors, and their names: msr0 for CPU 0.
  ///   - root: a folder that stands for /, in which regular files may stand for the nodes.
  /// - Throws: what is wrong with one of them. The caller then still owns all.
  package init(
    _ files: [(descriptor: Int32, name: String)], root: String? = nil
  ) throws(PassedRegisterError) {
    guard !files.isEmpty else { throw .none }
    let tree = MachineTree(root: root)
    var descriptors: [Int: Int32] = [:]
    for (descriptor, name) in files {
      let number = name.dropFirst(Self.prefix.count)
      guard let cpu = number.digits, Self.name(of: cpu) == name, let minor = UInt32(exactly: cpu) else {
        throw .name(descriptor: descriptor, name: name)
      }
      do {
        try PassedNode.check(
          descriptor, major: MSRDevices.driver, minor: minor, path: tree.msrPath(cpu: cpu), root: tree.root)
      } catch {
        throw .flaw(descriptor: descriptor, cpu: cpu, error)
      }
      if let other = descriptors.updateValue(descriptor, forKey: cpu) {
        throw .twice(cpu: cpu, descriptors: [other, descriptor])
      }
    }
    self.descriptors = descriptors
  }

  deinit {
    for descriptor in descriptors.values { close(descriptor) }
  }

  /// The CPUs whose nodes were passed, ascending.
  var cpus: [Int] { descriptors.keys.sorted() }

  /// The first of these CPUs whose node was not passed.
  func firstMissing(of cpus: some Sequence<Int>) -> Int? { cpus.first { descriptors[$0] == nil } }

  /// A CPU's node, for another owner. EPERM if it was not passed.
  func node(of cpu: Int, path: String) throws(FileError) -> Descriptor {
    guard let descriptor = descriptors[cpu] else { throw FileError(path: path, errno: EPERM) }
    return try PassedNode.duplicate(descriptor, of: path)
  }
}

/// Why passed descriptors cannot be used as register nodes.
package enum PassedRegisterError: Error, Equatable {
  /// There are none.
  case none
  /// A name does not tell a CPU.
  case name(descriptor: Int32, name: String)
  /// A descriptor is not what its name says.
  case flaw(descriptor: Int32, cpu: Int, PassedNode.Flaw)
  /// Two descriptors are for the same CPU.
  case twice(cpu: Int, descriptors: [Int32])
  /// They are not wanted, because energy comes from another source.
  case unwanted(name: String, source: String)
}

extension PassedRegisterError: CustomStringConvertible {
  /// What is wrong with what, and what to do.
  package var description: String {
    switch self {
    case .none:
      "The service manager has passed no register node (/dev/cpu/*/msr). To do: sudo systemctl daemon-reload, then restart the "
        + "service; if that does not help, find out more with: sudo pkg-watt-stat doctor"
    case .name(let descriptor, let name):
      "Descriptor \(descriptor) from the service manager is named \(String(name.prefix(100)).harmless), but a register node's name is "
        + "msr and the number of its CPU: OpenFile=/dev/cpu/0/msr:msr0:read-only"
    case .flaw(let descriptor, let cpu, .unusable(let errno)):
      "\(Self.subject(descriptor, cpu)) cannot be used: \(errorText(errno)); pass /dev/cpu/\(cpu)/msr."
    case .flaw(let descriptor, let cpu, .unreadable):
      "\(Self.subject(descriptor, cpu)) is not open for reading; pass it read-only: \(Self.line(cpu))"
    case .flaw(let descriptor, let cpu, .writable):
      "\(Self.subject(descriptor, cpu)) is open for writing too, which this service must not be able to do; pass it read-only: "
        + Self.line(cpu)
    case .flaw(let descriptor, let cpu, .otherDevice(let other)):
      "\(Self.subject(descriptor, cpu)) is the register node of CPU \(other); pass it under the name msr\(other)."
    case .flaw(let descriptor, let cpu, .otherFile):
      "\(Self.subject(descriptor, cpu)) is not the register node of CPU \(cpu); pass that: \(Self.line(cpu))"
    case .twice(let cpu, let descriptors):
      "Descriptors \(descriptors.map { "\($0)" }.joined(separator: " and ")) from the service manager are both the register node of "
        + "CPU \(cpu); pass each node once."
    case .unwanted(let name, let source):
      "The service manager has passed register nodes (\(String(name.prefix(100)).harmless)), but --source \(source) does not use them; "
        + "add --source passed, or remove OpenFile= and FileDescriptorStoreMax= from the unit."
    }
  }

  private static func subject(_ descriptor: Int32, _ cpu: Int) -> String {
    "Descriptor \(descriptor) (msr\(cpu)) from the service manager"
  }

  private static func line(_ cpu: Int) -> String { "OpenFile=/dev/cpu/\(cpu)/msr:msr\(cpu):read-only" }
}
