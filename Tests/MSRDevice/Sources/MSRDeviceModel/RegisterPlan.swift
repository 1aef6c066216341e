internal import Foundation
internal import PowerSources
internal import RAPL

/// Registers that a file plans, in place of the simulated CPU's own: any CPU's, with its units and domains.
///
/// One register of some CPUs a line; all others read 0:
///
///     CPUS ADDRESS value V
///     CPUS ADDRESS counter START COUNTS_PER_SECOND BITS
///     CPUS ADDRESS trace START COUNTS_PER_JOULE BITS FILE
///     CPUS ADDRESS model START COUNTS_PER_JOULE BITS FILE
///     CPUS ADDRESS eio
///
/// CPUS is a list as the kernel writes it. A counter has one value for all CPUs of its line, moves every millisecond, and has so
/// many bits, 64 at most. A trace is a counter of the energy in a file, see `PowerTrace`, and a model one of the energy that what runs
/// on this machine would draw, see `UsageModel`.
public struct RegisterPlan: Sendable, Equatable {
  /// A line that is none.
  public struct Malformed: Error, Equatable, CustomStringConvertible {
    /// The line.
    public let line: String

    /// One sentence.
    public var description: String {
      "\"\(line)\" plans no register; a line is CPUS ADDRESS, and value V, counter START COUNTS_PER_SECOND BITS, trace or model START COUNTS_PER_JOULE BITS FILE, or eio."
    }
  }

  private enum Content: Equatable {
    case value(UInt64)
    case counter(start: UInt64, perSecond: Double, bits: Int)
    case trace(start: UInt64, perJoule: Double, bits: Int, file: String)
    case model(start: UInt64, perJoule: Double, bits: Int, file: String)
    case fault
  }

  private struct Place: Hashable {
    let cpu: Int
    let address: UInt32
  }

  private static let updateNanoseconds: Int64 = 1_000_000
  private var contents: [Place: Content] = [:]
  private var traces: [String: PowerTrace] = [:]
  private var models: [String: UsageModel] = [:]

  /// Reads a plan.
  public init(_ text: String) throws(Malformed) {
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard words.count >= 3, let cpus = CPUList.parse(words[0]), let address = UInt32(number: words[1]),
        let content = Self.content(Array(words.dropFirst(2)))
      else { throw Malformed(line: String(line)) }
      if case .trace(_, _, _, let file) = content, traces[file] == nil {
        guard let trace = PowerTrace(file: file) else { throw Malformed(line: String(line)) }
        traces[file] = trace
      }
      if case .model(_, _, _, let file) = content, models[file] == nil {
        guard let model = UsageModel(file: file) else { throw Malformed(line: String(line)) }
        models[file] = model
      }
      for cpu in cpus { contents[Place(cpu: cpu, address: address)] = content }
    }
  }

  private static func content(_ words: [String]) -> Content? {
    switch (words[0], words.count) {
    case ("value", 2): return number(words[1]).map { .value($0) }
    case ("counter", 4):
      guard let start = number(words[1]), let perSecond = Double(words[2]), let bits = Int(words[3]),
        (0...1e12).contains(perSecond), (1...64).contains(bits)
      else { return nil }
      return .counter(start: start, perSecond: perSecond, bits: bits)
    case ("trace", 5), ("model", 5):
      guard let start = number(words[1]), let perJoule = Double(words[2]), let bits = Int(words[3]),
        (0...1e9).contains(perJoule), (1...64).contains(bits)
      else { return nil }
      return words[0] == "trace"
        ? .trace(start: start, perJoule: perJoule, bits: bits, file: words[4])
        : .model(start: start, perJoule: perJoule, bits: bits, file: words[4])
    case ("eio", 1): return .fault
    default: return nil
    }
  }

  private static func number(_ text: String) -> UInt64? {
    text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
  }

  /// Reads the files of all traces anew, and plays them from their start, so long after the device's start.
  ///
  /// - Returns: false if there is none, or one cannot be read.
  mutating func play(at nanoseconds: Int64) -> Bool {
    !traces.isEmpty && traces.keys.allSatisfy { file in traces[file]?.play(at: nanoseconds) ?? false }
  }

  /// What a register of a CPU reads so long after the start; nil if reading it fails with EIO.
  mutating func value(_ address: UInt32, cpu: Int, nanoseconds: Int64) -> UInt64? {
    switch contents[Place(cpu: cpu, address: address)] {
    case nil: return 0
    case .value(let value)?: return value
    case .fault?: return nil
    case .counter(let start, let perSecond, let bits)?:
      let milliseconds = Double(max(nanoseconds, 0) / Self.updateNanoseconds)
      let counts = (milliseconds / 1000 * perSecond).rounded(.down)
      return Self.value(start, counts: counts, bits: bits)
    case .trace(let start, let perJoule, let bits, let file)?:
      let joules = traces[file]?.joules(nanoseconds: max(nanoseconds, 0)) ?? 0
      return Self.value(start, counts: (joules * perJoule).rounded(.down), bits: bits)
    case .model(let start, let perJoule, let bits, let file)?:
      let joules = models[file]?.sum(nanoseconds: nanoseconds) ?? 0
      return Self.value(start, counts: (joules * perJoule).rounded(.down), bits: bits)
    }
  }

  /// The joules of each part of all models so long after the start.
  mutating func parts(nanoseconds: Int64) -> [(name: String, joules: Double)] {
    models.keys.sorted().flatMap { models[$0]?.joules(nanoseconds: nanoseconds) ?? [] }
  }

  private static func value(_ start: UInt64, counts: Double, bits: Int) -> UInt64 {
    // Below 2^63 for the next hundred days at the highest rate.
    let value = start &+ (UInt64(exactly: counts) ?? 0)
    return bits == 64 ? value : value & (1 << UInt64(bits) - 1)
  }
}
