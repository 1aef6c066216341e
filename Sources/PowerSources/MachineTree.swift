internal import Formatting
internal import Glibc
package import RAPL
package import SystemCalls

/// The files that describe a machine: the machine's own, or those of a folder that stands for one.
package struct MachineTree {
  /// The folder; empty for the machine itself.
  package let root: String
  let files: any MachineFiles
  /// The replay of a captured machine's counters; nil if the counters can be read.
  let replay: Replay?
  /// The register nodes that this process may use if it may open none; nil if it opens them itself.
  var passed: PassedRegisters?

  /// The tree below a folder, or below / without one.
  package init(root: String?, files: (any MachineFiles)? = nil, replay: Replay? = nil) {
    self.replay = replay
    var root = root ?? ""
    // Compared as bytes: to Swift, a slash followed by a combining accent is one character.
    while root.utf8.last == UInt8(ascii: "/") && root.utf8.count > 1 { root.unicodeScalars.removeLast() }
    self.root = root
    self.files = files ?? SystemFiles(root: root)
  }

  /// The tree below a folder, which may be a captured machine.
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

  /// Opens the registers of CPUs, or the captured ones.
  package func registers(cpus: [Int]) -> any OpenedRegisters {
    if let replay {
      ReplayedRegisters(replay, cpus: cpus)
    } else {
      MSRDevices(cpus: cpus, of: self)
    }
  }

  /// Opens a CPU's register node, or takes the one that was passed.
  func node(of cpu: Int) throws(FileError) -> Descriptor {
    let path = msrPath(cpu: cpu)
    return if let passed { try passed.node(of: cpu, path: path) } else { try MSRDevices.open(path, root: root) }
  }

  /// Opens a zone's energy_uj, or the captured one.
  func zone(_ path: String) throws(SourceError) -> any CounterFile {
    if let replay { try ReplayedZone(replay, path: path) } else { try PowercapCounter(path: path, root: root) }
  }

  /// Whether its counters show only the two captured values.
  package var isSnapshot: Bool { replay.map { $0.capture.trace == nil } ?? false }

  /// Whether it is the machine itself.
  package var isOwnMachine: Bool { root.isEmpty }

  /// Whether it is a machine, or was one, rather than a folder that only stands for one.
  package var isMachine: Bool { isOwnMachine || replay != nil }

  /// The path of a CPU's register node.
  package func msrPath(cpu: Int) -> String { "\(root)/dev/cpu/\(cpu)/msr" }

  /// The CPU's identity: from the CPUID instruction, or from the cpuinfo of a folder.
  package func identity() throws(SourceError) -> CPUIdentity {
    if isOwnMachine { return CPUIdentity.fromInstruction() }
    let path = root + "/proc/cpuinfo"
    guard let identity = CPUIdentity(cpuinfo: try text(path)) else {
      throw .malformed(path: path, expected: "CPU vendor, family and model")
    }
    return identity
  }

  /// The most packages and dies that are read: twice those of the largest machine known, SGI's UV 2000 with 256 packages. Their
  /// counters are compared with each other, so the time grows with the square of their number.
  static let mostPackages = 512

  /// The kernel's folders of the CPUs.
  var cpuFolder: String { root + "/sys/devices/system/cpu" }

  /// The places of every CPU that is online.
  ///
  /// The folders of the CPUs are trusted more than the list of online CPUs: in a container that list may be the container's own
  /// (lxcfs), and not have all. Only CPUs that are online have a topology.
  package func places() throws(SourceError) -> [CPUPlace] {
    let path = cpuFolder + "/online"
    guard let listed = CPUList.parse(try text(path)), !listed.isEmpty else {
      throw .malformed(path: path, expected: "list of CPUs")
    }
    let isolated = isolatedCPUs()
    let known = Set(listed)
    var places: [CPUPlace] = []
    for cpu in known.union(numbers(in: cpuFolder, prefix: "cpu")).sorted() {
      let topology = "\(cpuFolder)/cpu\(cpu)/topology"
      let package: Int
      do {
        if !known.contains(cpu), saysOnline(cpu) == false { continue }
        package = try number(topology + "/physical_package_id")
      } catch {
        if case .unreadable(_, ENOENT) = error, !known.contains(cpu) || saysOnline(cpu) == false { continue }
        throw error
      }
      let die = try number(topology + "/die_id", ifMissing: 0)
      let core = try? number(topology + "/core_id")
      let threads = try list(topology + "/thread_siblings_list")
      places.append(
        CPUPlace(
          cpu: cpu, package: package, die: die, core: core, threads: threads, isIsolated: isolated.contains(cpu)))
    }
    guard !places.isEmpty else { throw .malformed(path: path, expected: "list of CPUs") }
    let counters = Set(places.map { PackageID(package: $0.package, die: $0.die) }).count
    guard counters <= Self.mostPackages else {
      throw .tooMany("packages and dies", count: counters, most: Self.mostPackages, in: cpuFolder)
    }
    return places
  }

  /// CPUs that are kept free for one task: by the kernel's command line (isolcpus, nohz_full), or by a partition of control
  /// groups.
  private func isolatedCPUs() -> Set<Int> {
    let lists = [cpuFolder + "/isolated", cpuFolder + "/nohz_full", root + "/sys/fs/cgroup/cpuset.cpus.isolated"]
    // Kernels without such CPUs may write "(null)".
    return Set(lists.flatMap { path in (try? files.text(path)).flatMap(CPUList.parse) ?? [] })
  }

  /// Whether a CPU's own file says that it is online; nil if it says nothing.
  func saysOnline(_ cpu: Int) -> Bool? {
    switch (try? files.text("\(cpuFolder)/cpu\(cpu)/online")).map({ Substring($0).trimmed }) {
    case "0": false
    case "1": true
    default: nil
    }
  }

  /// The numbers in those names of a folder that are this word followed by a number.
  func numbers(in folder: String, prefix: String = "") -> [Int] {
    let names = (try? files.names(in: folder)) ?? []
    return names.compactMap { name in
      name.hasPrefix(prefix) ? name.dropFirst(prefix.count).cpuNumber : nil
    }
  }

  private func text(_ path: String) throws(SourceError) -> String {
    do {
      return try files.text(path)
    } catch {
      throw .unreadable(path: path, errno: error.errno)
    }
  }

  /// A number that is the only content of a file.
  private func number(_ path: String, ifMissing substitute: Int? = nil) throws(SourceError) -> Int {
    let text: String
    do {
      text = try files.text(path)
    } catch {
      if error.errno == ENOENT, let substitute { return substitute }
      throw .unreadable(path: path, errno: error.errno)
    }
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.count == 1, let number = words.first.flatMap(\.packageNumber) else {
      throw .malformed(path: path, expected: "package or die number")
    }
    return number
  }
}
