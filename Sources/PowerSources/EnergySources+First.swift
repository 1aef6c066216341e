public import RAPL

extension EnergySources {
  /// The first source that measures this machine, or the folder that stands for one: its registers, or else powercap.
  ///
  /// - Parameters:
  ///   - root: as for the other two.
  ///   - domains: domains to read beyond the package, where the machine has them.
  ///   - log: told what there is to know of the counters.
  /// - Returns: it, and why it is not the registers if it is powercap.
  public static func firstThatMeasures(
    root: String? = nil, domains: Set<PowerDomain> = [], log: @escaping SourceLog = { _ in }
  ) throws(NothingToMeasure) -> (source: any EnergySource, noRegisters: SourceError?) {
    let noRegisters: SourceError
    do {
      return (try msr(root: root, domains: domains, log: log), nil)
    } catch {
      noRegisters = error
    }
    do {
      return (try powercap(root: root, domains: domains, log: log), noRegisters)
    } catch {
      throw NothingToMeasure(registers: noRegisters, powercap: error)
    }
  }
}

/// No source can measure this machine. Simulated watts are never a silent substitute.
public struct NothingToMeasure: Error, CustomStringConvertible {
  /// Why the registers do not.
  public let registers: SourceError
  /// Why powercap does not.
  public let powercap: SourceError

  /// The reasons, and what to do.
  public var description: String {
    // Both may say the same, and of a CPU without registers the kernel has no zones. Some end with a command, others with a
    // full stop.
    let texts = isOfNoUse || "\(registers)" == "\(powercap)" ? ["\(registers)"] : ["\(registers)", "\(powercap)"]
    let reasons = texts.map { $0.hasSuffix(".") ? $0 : $0 + "." }.joined(separator: " ")
    return "This machine's power cannot be measured. \(reasons) To see what this machine lacks: pkg-watt-stat doctor. "
      + "To try the service with invented watts: pkg-watt-stat serve --source simulated"
  }

  /// Whether loading the kernel's module would not help.
  private var isOfNoUse: Bool {
    switch (registers, powercap) {
    case (.notAnnounced, .noPowercap), (.olderThanRAPL, .noPowercap), (.unknownVendor, .noPowercap),
      (.hidden, .hidden), (.namespaceRoot, .namespaceRoot), (.namespaceRoot, .noPowercap):
      true
    default: false
    }
  }
}
