internal import Glibc
package import RAPL
package import SystemCalls

/// Where the description of a machine is read from: the machine itself, or a folder that stands for one.
package struct MachineTree {
  /// Empty for the machine itself.
  package let root: String
  let files: any Files
  /// What stands for the counters of a captured machine; nil if they can be read.
  let replay: Replay?

  /// The tree below a folder; below / without one.
  package init(root: String?, files: any Files = SystemFiles(), replay: Replay? = nil) {
    self.files = files
    self.replay = replay
    var root = root ?? ""
    // By bytes: to Swift, a slash and an accent behind it are one character.
    while root.utf8.last == UInt8(ascii: "/") && root.utf8.count > 1 { root.unicodeScalars.removeLast() }
    self.root = root
  }

  /// The tree below a folder, which may hold a captured machine.
  static func open(_ root: String?) throws(SourceError) -> Self {
    let tree = Self(root: root)
    if tree.isOwnMachine { return tree }
    do throws(CaptureError) {
      guard let capture = try Capture(in: tree.root) else { return tree }
      return Self(root: root, files: CapturedFiles(root: tree.root, capture), replay: Replay(capture))
    } catch {
      throw .capture(error)
    }
  }

  /// Opens the registers of CPUs, or what was captured of them.
  func registers(cpus: [Int]) -> any OpenedRegisters {
    if let replay { ReplayedRegisters(replay, cpus: cpus) } else { MSRDevices(cpus: cpus, tree: self) }
  }

  /// Opens a zone's energy_uj, or what was captured of it.
  func zone(_ path: String) throws(SourceError) -> any CounterOrigin {
    if let replay { try ReplayedZone(replay, path: path) } else { try PowercapCounter(path: path) }
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
      let threads = list(topology + "/thread_siblings_list")
      places.append(CPUPlace(cpu: cpu, package: package, die: die, core: core, threads: threads))
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
