internal import Glibc
internal import RAPL
package import SystemCalls

/// The machine's register nodes, for a process that opens them for another one.
package struct RegisterNodes {
  private let tree = MachineTree(root: nil)

  package init() {}

  /// The CPUs that the machine has, online or not.
  package func present() throws(SourceError) -> [Int] { try tree.list(tree.cpuFolder + "/present") }

  /// The CPUs that are online.
  package func online() throws(SourceError) -> [Int] { try tree.places().map(\.cpu) }

  /// The name by which a CPU's node is passed.
  package func name(of cpu: Int) -> String { PassedRegisters.name(of: cpu) }

  /// Opens a CPU's node; nil if the CPU is offline.
  package func open(_ cpu: Int) throws(SourceError) -> Descriptor? {
    do {
      return try tree.node(of: cpu)
    } catch {
      if error.errno == ENXIO { return nil }
      throw .cannotOpen(path: error.path, errno: error.errno, ownMachine: true)
    }
  }
}
