internal import Glibc
package import RAPL
package import SystemCalls

/// Where the description of a machine is read from: the machine itself, or a folder that stands for one.
package struct MachineTree {
  /// Empty for the machine itself.
  package let root: String
  let files: any Files

  /// The tree below a folder; below / without one.
  package init(root: String?, files: any Files = SystemFiles()) {
    self.files = files
    var root = root ?? ""
    // By bytes: to Swift, a slash and an accent behind it are one character.
    while root.utf8.last == UInt8(ascii: "/") && root.utf8.count > 1 { root.unicodeScalars.removeLast() }
    self.root = root
  }

  /// Whether it is the machine itself.
  package var isOwnMachine: Bool { root.isEmpty }

  /// Where a CPU's registers are read.
  package func msrPath(cpu: Int) -> String { "\(root)/dev/cpu/\(cpu)/msr" }

  /// Who the CPU is: by the CPUID instruction, or by the cpuinfo of a folder.
  package func identity() throws(SourceError) -> CPUIdentity {
    if isOwnMachine { return CPUIdentity.fromInstruction() }
    let path = root + "/proc/cpuinfo"
    guard let identity = CPUIdentity(cpuinfo: try text(path)) else {
      throw .malformed(path: path, expected: "CPU vendor, family and model")
    }
    return identity
  }

  /// Where every CPU that is online sits.
  package func places() throws(SourceError) -> [CPUPlace] {
    let folder = root + "/sys/devices/system/cpu"
    let path = folder + "/online"
    guard let cpus = CPUList.parse(try text(path)), !cpus.isEmpty else {
      throw .malformed(path: path, expected: "list of CPUs")
    }
    var places: [CPUPlace] = []
    for cpu in cpus {
      let topology = "\(folder)/cpu\(cpu)/topology"
      let package = try number(topology + "/physical_package_id")
      let die = try number(topology + "/die_id", ifMissing: 0)
      let core = try? number(topology + "/core_id")
      places.append(CPUPlace(cpu: cpu, package: package, die: die, core: core))
    }
    return places
  }

  private func text(_ path: String) throws(SourceError) -> String {
    do {
      return try files.text(path)
    } catch {
      throw .unreadable(path: path, errno: error.errno)
    }
  }

  /// A number that is a file's only content.
  private func number(_ path: String, ifMissing substitute: Int? = nil) throws(SourceError) -> Int {
    let text: String
    do {
      text = try files.text(path)
    } catch {
      if error.errno == ENOENT, let substitute { return substitute }
      throw .unreadable(path: path, errno: error.errno)
    }
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.count == 1, let number = words.first.flatMap({ Int($0) }), number >= 0 else {
      throw .malformed(path: path, expected: "package or die number")
    }
    return number
  }
}
