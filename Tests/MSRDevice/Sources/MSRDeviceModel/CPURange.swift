/// CPUs without a gap, in the two forms of sysfs.
struct CPURange {
  let first: Int
  let last: Int

  /// `0-3`, or `2` for a single one.
  var list: String { first == last ? "\(first)" : "\(first)-\(last)" }

  /// Hexadecimal words of 32 CPUs, the highest first, with commas between them.
  var mask: String {
    let words = (0...last / 32).map { word in
      (first...last).reduce(into: UInt32(0)) { mask, cpu in
        if cpu / 32 == word { mask |= 1 << UInt32(cpu % 32) }
      }
    }
    let highest = words.last.map { String($0, radix: 16) } ?? "0"
    let others = words.dropLast().reversed().map { word in
      String(String(UInt64(word) + 0x1_0000_0000, radix: 16).dropFirst())
    }
    return ([highest] + others).joined(separator: ",")
  }
}
