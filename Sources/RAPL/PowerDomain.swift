/// A part of the machine with an energy counter of its own.
public enum PowerDomain: String, Sendable, CaseIterable {
  /// The whole package (socket). It is the only domain that is summed over packages into the machine's CPU power.
  case package
  /// The cores, also called PP0; a part of `package`.
  case core
  /// The built-in graphics, also called PP1; a part of `package`.
  case uncore
  /// Memory; not a part of `package`.
  case dram
  /// The platform; includes the others as far as its vendor connected it to them. Never added to anything.
  case psys
}

extension PowerDomain: CustomStringConvertible {
  /// The usual name.
  public var description: String {
    switch self {
    case .package: "package"
    case .core: "core"
    case .uncore: "uncore"
    case .dram: "DRAM"
    case .psys: "psys"
    }
  }
}
