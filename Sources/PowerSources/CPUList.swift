internal import Formatting

/// A set of CPUs in the kernel's notation (`0-3,8`); see cpuset(7), "List format".
public enum CPUList {
  /// The most CPUs that a Linux kernel can be built for on x86 (CONFIG_NR_CPUS); a list beyond it is not valid.
  static let most = 8192

  /// The CPU numbers of a list, ascending; an empty text is an empty list.
  ///
  /// - Returns: nil if the text is not such a list.
  public static func parse(_ text: String) -> [Int]? {
    let body = Substring(text).trimmed
    guard !body.isEmpty else { return [] }
    var numbers: [Int] = []
    for part in body.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map(\.cpuNumber)
      guard let first = ends.first.flatMap({ $0 }), let last = ends.last.flatMap({ $0 }), first <= last,
        first > numbers.last ?? -1
      else { return nil }
      numbers += first...last
    }
    return numbers
  }

  /// The list of ascending CPU numbers: "0-3,8".
  public static func text(_ cpus: [Int]) -> String {
    var ranges: [ClosedRange<Int>] = []
    for cpu in cpus {
      if let last = ranges.last, last.upperBound + 1 == cpu {
        ranges[ranges.count - 1] = last.lowerBound...cpu
      } else {
        ranges.append(cpu...cpu)
      }
    }
    return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(
      separator: ",")
  }
}

extension Substring {
  /// The number of a package, die or core that it is: the kernel has them in 32 bits. A sign is no part of one.
  var packageNumber: Int? { digits.flatMap { Int32(exactly: $0) == nil ? nil : $0 } }

  /// The number of a CPU that it is.
  var cpuNumber: Int? { digits.flatMap { $0 < CPUList.most ? $0 : nil } }

  /// The number that it is, if it has nothing but digits: no sign either.
  var digits: Int? { isDigits ? Int(self) : nil }

  /// Whether it has nothing but digits.
  var isDigits: Bool { utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } }
}
