internal import RAPL

/// A register that shows an energy counter: its low 32 bits.
struct RegisterCounter {
  private var reader: PackageReader
  private let address: UInt32

  init(_ address: UInt32, through reader: PackageReader) {
    self.address = address
    self.reader = reader
  }

  mutating func read(toleranceNanoseconds tolerance: Int64) throws(SourceError) -> TimedValue {
    do {
      let read = try reader.read(address, toleranceNanoseconds: tolerance)
      return TimedValue(
        value: read.value & (EnergyCounter.registerRange - 1), monotonicNanoseconds: read.monotonicNanoseconds,
        tookNanoseconds: read.tookNanoseconds)
    } catch {
      throw .register(error)
    }
  }
}
