internal import PowerSources

extension FaultyCPU {
  /// Reads a file of powercap: the registers' energy in microjoules, faults included. A package without a CPU that is
  /// online takes its zone's files with it.
  public mutating func text(of zone: PowercapNode.Zone, _ file: PowercapNode.File) throws(DeviceError) -> String {
    let cpus = cpuCount / packageCount
    guard let cpu = (zone.package * cpus..<(zone.package + 1) * cpus).first(where: { isOnline($0) }) else {
      throw .gone
    }
    switch file {
    case .name: return "\(zone.name)\n"
    case .range: return "\(Self.microjoules(UInt64(UInt32.max)))\n"
    case .power: return "95000000\n"
    case .energy:
      do {
        return "\(Self.microjoules(try read(zone.register, cpu: cpu)))\n"
      } catch {
        throw .fault
      }
    }
  }

  /// 2^-14 J each.
  private static func microjoules(_ counts: UInt64) -> UInt64 { counts * 15_625 / 256 }
}
