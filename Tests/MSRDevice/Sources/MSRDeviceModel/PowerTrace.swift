internal import Foundation

/// Power that was recorded or composed, and is played when the device is told to, as often as it is told.
///
/// The file has the watts of each millisecond, as 32-bit floating-point numbers, little-endian. Before it is played, and behind its
/// end, the power is that of the last millisecond.
struct PowerTrace: Sendable, Equatable {
  private static let millisecond: Int64 = 1_000_000

  /// Joules from the start to each millisecond.
  private let joules: [Double]
  private let idleWatts: Double
  /// When it begins to play, in nanoseconds since the device's start.
  private var plays: [Int64] = []

  /// Reads a file.
  ///
  /// - Returns: nil if it cannot be read, or has something else in it than power.
  init?(file: String) {
    guard let data = FileManager.default.contents(atPath: file), !data.isEmpty, data.count % 4 == 0 else { return nil }
    let bytes = [UInt8](data)
    var joules: [Double] = [0]
    joules.reserveCapacity(bytes.count / 4 + 1)
    var watts = 0.0
    for index in stride(from: 0, to: bytes.count, by: 4) {
      let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[index + $1]) << UInt32(8 * $1) }
      watts = Double(Float(bitPattern: bits))
      guard (0...1_000_000).contains(watts) else { return nil }
      joules.append(joules[joules.count - 1] + watts / 1000)
    }
    self.joules = joules
    idleWatts = watts
  }

  /// Plays it from its start, so long after the device's start; if it is playing then, it begins anew.
  mutating func play(at nanoseconds: Int64) { plays = plays.filter { $0 < nanoseconds } + [nanoseconds] }

  /// The energy so long after the device's start. It changes every millisecond.
  func joules(nanoseconds: Int64) -> Double {
    var total = 0.0
    var idleSince: Int64 = 0
    for (index, begin) in plays.enumerated() where begin <= nanoseconds {
      total += idle(max(begin - idleSince, 0))
      let end = index + 1 < plays.count ? min(plays[index + 1], nanoseconds) : nanoseconds
      let played = min(Int((end - begin) / Self.millisecond), joules.count - 1)
      total += joules[played]
      idleSince = begin + Int64(played) * Self.millisecond
    }
    return total + idle(nanoseconds - idleSince)
  }

  private func idle(_ nanoseconds: Int64) -> Double {
    // While the trace plays this is part of a millisecond, whose energy is counted at its end.
    idleWatts * Double(nanoseconds / Self.millisecond) / 1000
  }
}
