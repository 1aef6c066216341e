internal import RAPL
internal import Turbostat

/// turbostat's output, in chunks: the input's first byte says how long they are.
func fuzzTurbostat(_ data: UnsafeBufferPointer<UInt8>) -> Int32 {
  guard let first = data.first else { return 0 }
  var parser = TurbostatParser()
  var rest = data.dropFirst()
  while !rest.isEmpty {
    for event in parser.take(rest.prefix(Int(first) * 4 + 1)) {
      guard case .table(let table) = event else { continue }
      precondition(!table.packages.isEmpty && table.isConsistent)
      for row in table.packages + [table.system] {
        precondition(row.watts[.package] != nil && row.watts.values.allSatisfy { $0.isFinite && $0 >= 0 })
      }
      precondition(Set(table.packages.map(\.package)).count == table.packages.count)
    }
    rest = rest.dropFirst(Int(first) * 4 + 1)
  }
  return 0
}
