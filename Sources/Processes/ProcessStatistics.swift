/// What /proc/PID/stat says of a process.
struct ProcessStatistics: Equatable {
  var pid: Int
  var name: String
  /// CPU time of all its threads, in the kernel's ticks.
  var ticks: Int64
  /// When it started, in ticks since boot.
  var startTicks: Int64

  /// Reads the line. The name is in parentheses and may hold parentheses, spaces and newlines itself, so it ends at the last one.
  ///
  /// Source: proc_pid_stat(5), fields 1, 2, 14, 15 and 22.
  init?(_ line: ArraySlice<UInt8>) {
    guard let open = line.firstIndex(of: UInt8(ascii: "(")), let close = line.lastIndex(of: UInt8(ascii: ")")),
      open < close
    else { return nil }
    let fields = line[(close + 1)...].split(maxSplits: 20, whereSeparator: { $0 == 0x20 || $0 == 0x0A })
    // More follow, so that a line that was cut off has no number that was cut off.
    guard fields.count > 20, let pid = Self.number(line[..<open].filter { $0 != 0x20 }[...]),
      let user = Self.number(fields[11]), let system = Self.number(fields[12]), let start = Self.number(fields[19])
    else { return nil }
    let (ticks, overflows) = user.addingReportingOverflow(system)
    guard !overflows else { return nil }
    self.pid = Int(pid)
    name = String(decoding: line[(open + 1)..<close], as: UTF8.self)
    (self.ticks, startTicks) = (ticks, start)
  }

  /// A decimal number of no more than 18 digits, which an Int64 can hold.
  static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
    guard 1...18 ~= digits.count else { return nil }
    var number: Int64 = 0
    for digit in digits {
      guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit else { return nil }
      number = number * 10 + Int64(digit - UInt8(ascii: "0"))
    }
    return number
  }
}

/// What /proc/stat says of the machine.
struct MachineStatistics: Equatable {
  /// Time spent on anything, interrupts included, in ticks.
  var busyTicks: Int64
  /// CPUs that are online.
  var cpus: Int

  /// Reads the file. Source: proc_stat(5). The time of guests is a part of the user's.
  init?(_ text: String) {
    let lines = text.split(separator: "\n")
    guard let whole = lines.first(where: { $0.hasPrefix("cpu ") }) else { return nil }
    let numbers = whole.split(separator: " ").dropFirst().map { ProcessStatistics.number(Array($0.utf8)[...]) }
    // user, nice, system, idle, iowait, irq, softirq
    guard numbers.count >= 7 else { return nil }
    var busy: Int64 = 0
    for place in [0, 1, 2, 5, 6] {
      guard let number = numbers[place] else { return nil }
      let (sum, overflows) = busy.addingReportingOverflow(number)
      guard !overflows else { return nil }
      busy = sum
    }
    busyTicks = busy
    cpus = lines.count { $0.hasPrefix("cpu") && !$0.hasPrefix("cpu ") }
  }
}
