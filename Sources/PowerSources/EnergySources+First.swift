public import RAPL

extension EnergySources {
  /// The first source that measures this machine, or the folder that stands for one: its registers, or else powercap.
  ///
  /// - Parameters:
  ///   - root: as for the other sources.
  ///   - domains: domains to read beside the package, if the machine has them.
  ///   - log: called with facts about the counters that the user should know.
  /// - Returns: the source; and if it is powercap, why the registers could not be used.
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

/// No source can measure this machine. Simulated watts never replace measured ones silently.
public struct NothingToMeasure: Error, CustomStringConvertible {
  /// Why the registers cannot be used.
  public let registers: SourceError
  /// Why powercap cannot be used.
  public let powercap: SourceError

  /// The reasons, and what to do.
  public var description: String {
    // Both may have the same reason, and the kernel has no zones for a CPU without registers. Some reasons end with a command,
    // others with a full stop.
    let texts = isOfNoUse || "\(registers)" == "\(powercap)" ? ["\(registers)"] : ["\(registers)", "\(powercap)"]
    let reasons = texts.map { $0.hasSuffix(".") ? $0 : $0 + "." }.joined(separator: " ")
    return "Cannot measure the power of this machine. \(reasons) To find out more: pkg-watt-stat doctor. "
      + "To try the service with simulated watts: pkg-watt-stat serve --source simulated"
  }

  /// Whether powercap's error adds nothing: loading the kernel's module would not help.
  private var isOfNoUse: Bool {
    switch (registers, powercap) {
    case (.notAnnounced, .noPowercap), (.olderThanRAPL, .noPowercap), (.unknownVendor, .noPowercap),
      (.hidden, .hidden), (.namespaceRoot, .namespaceRoot), (.namespaceRoot, .noPowercap), (.capture, _):
      true
    default: false
    }
  }
}
