internal import RAPL

/// Reads the limits in a package's registers.
struct RegisterLimits: PackageLimitsReader {
  private let package: PackageID
  private let model: LimitModel
  private let units: LimitUnits
  private let bound: PowerBound
  private var readers: [(register: LimitRegister, reader: CounterReader)]

  /// - Parameters:
  ///   - bound: a power that the package does not reach.
  ///   - reader: reads another register of this package.
  /// - Returns: nil if the model has no limits in registers.
  init?(
    of package: PackageID, _ model: LimitModel, _ units: UnitRegister, bound: PowerBound, like reader: CounterReader
  ) {
    if model.registers.isEmpty { return nil }
    self.package = package
    self.model = model
    self.units = LimitUnits(units, on: model)
    self.bound = bound
    readers = model.registers.sorted { $0.rawValue < $1.rawValue }.map { ($0, reader.register($0.rawValue)) }
  }

  mutating func read() -> LimitsReading {
    var values: [LimitRegister: UInt64] = [:]
    for index in readers.indices {
      // Which registers a model has differs from part to part, and a virtual machine may have none. One that faults, or whose CPUs
      // are all offline, tells nothing now.
      values[readers[index].register] = try? readers[index].reader.read(toleranceNanoseconds: .max).value
    }
    return LimitsReading(
      package: package, limits: PackageLimits(values, units: units, on: model, bound: bound),
      throttling: PackageThrottling(values, units: units, on: model))
  }
}
