internal import Foundation

/// Energy that is computed from the CPU time of what really runs on this machine.
///
/// The model is a file, one part a line:
///
///     NAME floor WATTS                 always drawn
///     NAME pulses WATTS SECONDS        drawn by no program: for so many seconds, then not for as many, and so on
///     NAME cgroup JOULES FOLDER        for each CPU second of the cgroup in that folder, of version 2
///     NAME rest JOULES                 for each other CPU second that /proc/stat counts
///
/// Times are those since the model was read. A cgroup may appear later, and its time stays if it vanishes.
struct UsageModel: Sendable, Equatable {
  private enum Kind: Equatable {
    case floor(watts: Double)
    case pulses(watts: Double, seconds: Double)
    case cgroup(joules: Double, folder: String)
    case rest(joules: Double)
  }

  private struct Part: Equatable {
    var name: String
    var kind: Kind
    /// CPU time when the model was read, and the most since then, in seconds.
    var before = 0.0
    var most = 0.0
  }

  private var parts: [Part]

  /// Reads a file.
  ///
  /// - Returns: nil if it cannot be read, or has something else in it than a model.
  init?(file: String) {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { return nil }
    parts = []
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard let part = Self.part(words) else { return nil }
      parts.append(part)
    }
    guard !parts.isEmpty else { return nil }
    for index in parts.indices { parts[index].before = cpuSeconds(of: parts[index].kind) }
    // What a cgroup had used before is nobody's.
    for index in parts.indices { parts[index].most = parts[index].before }
  }

  private static func part(_ words: [String]) -> Part? {
    guard words.count >= 3, let number = Double(words[2]), (0...1e6).contains(number) else { return nil }
    let kind: Kind
    switch (words[1], words.count) {
    case ("floor", 3): kind = .floor(watts: number)
    case ("rest", 3): kind = .rest(joules: number)
    case ("cgroup", 4): kind = .cgroup(joules: number, folder: words[3])
    case ("pulses", 4):
      guard let seconds = Double(words[3]), (0.001...1e6).contains(seconds) else { return nil }
      kind = .pulses(watts: number, seconds: seconds)
    default: return nil
    }
    return Part(name: words[0], kind: kind)
  }

  /// The joules of each part so long after the model was read. None goes back.
  mutating func joules(nanoseconds: Int64) -> [(name: String, joules: Double)] {
    let seconds = Double(max(nanoseconds, 0)) / 1e9
    for index in parts.indices { parts[index].most = max(parts[index].most, cpuSeconds(of: parts[index].kind)) }
    return parts.map { part in
      let used = part.most - part.before
      return switch part.kind {
      case .floor(let watts): (part.name, watts * seconds)
      case .cgroup(let joules, _), .rest(let joules): (part.name, joules * used)
      case .pulses(let watts, let length):
        (
          part.name,
          watts * ((seconds / (2 * length)).rounded(.down) * length + min(seconds.remainder(of: 2 * length), length))
        )
      }
    }
  }

  /// All parts' joules.
  mutating func sum(nanoseconds: Int64) -> Double { joules(nanoseconds: nanoseconds).reduce(0) { $0 + $1.joules } }

  private func cpuSeconds(of kind: Kind) -> Double {
    switch kind {
    case .floor, .pulses: 0
    case .cgroup(_, let folder): Self.cgroupSeconds(folder)
    case .rest:
      // A cgroup's last known time: what has vanished does not become the rest's.
      Self.machineSeconds()
        - parts.reduce(0) { sum, part in
          if case .cgroup(_, let folder) = part.kind { sum + max(part.most, Self.cgroupSeconds(folder)) } else { sum }
        }
    }
  }

  /// The line `usage_usec` of cpu.stat; 0 if there is none.
  private static func cgroupSeconds(_ folder: String) -> Double {
    guard let text = try? String(contentsOfFile: folder + "/cpu.stat", encoding: .utf8) else { return 0 }
    let words = text.split(whereSeparator: \.isWhitespace)
    return words.first == "usage_usec" && words.count > 1 ? (Double(words[1]) ?? 0) / 1e6 : 0
  }

  /// All CPU time but that without work: user, nice, system, irq and softirq of proc_stat(5).
  private static func machineSeconds() -> Double {
    guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
      let numbers = text.split(separator: "\n").first?.split(separator: " ").dropFirst().map({ Double($0) ?? 0 }),
      numbers.count >= 7
    else { return 0 }
    return [0, 1, 2, 5, 6].reduce(0) { $0 + numbers[$1] } / Double(sysconf(Int32(_SC_CLK_TCK)))
  }
}

extension Double {
  fileprivate func remainder(of length: Double) -> Double { truncatingRemainder(dividingBy: length) }
}
