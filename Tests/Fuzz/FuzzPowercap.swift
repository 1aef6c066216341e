internal import PowerSources
internal import RAPL

/// The zones of /sys/class/powercap: the folder's names, the names in them, and an energy.
func fuzzPowercap(_ data: UnsafeBufferPointer<UInt8>) -> Int32 {
  for vendor in [CPUVendor.intel, .amd] {
    guard let entries = try? PowercapTree(root: "", files: InventedFiles(data)).entries(vendor: vendor) else {
      continue
    }
    precondition(entries.first?.zone.domain == .package)
    for (index, entry) in entries.enumerated() {
      precondition(!entries[..<index].contains { $0.zone == entry.zone })
      precondition(entry.zone.package.package >= 0 && entry.zone.package.die ?? 0 >= 0)
    }
  }
  if let energy = PowercapCounter.microjoules(data) {
    let digits = data.prefix { $0 != UInt8(ascii: "\n") }
    precondition(UInt64(String(decoding: digits, as: UTF8.self)) == energy)
  }
  return 0
}
