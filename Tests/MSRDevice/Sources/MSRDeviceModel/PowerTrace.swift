internal import Foundation

/// Power that was recorded or composed, and is played when the device is told to, as often as it is told.
///
/// The file has the watts of each millisecond, as 32-bit floating-point numbers, little-endian; it is read at the start, and anew each time
/// that it is played. Before it is played, and behind its end, the power is that of its last millisecond.
struct PowerTrace: Sendable, Equatable {
  private struct Recording: Equatable {
    /// Joules from the start to each millisecond.
    var joules: [Double] = [0]
    var idleWatts = 0.0

    init?(file: String) {
      guard let data = FileManager.default.contents(atPath: file), !data.isEmpty, data.count % 4 == 0 else {
        return nil
      }
      joules.reserveCapacity(data.count / 4 + 1)
      let bits = unsafe data.withUnsafeBytes { bytes in
        stride(from: 0, to: bytes.count, by: 4).map {
          unsafe bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)
        }
      }
      var total = 0.0
      for each in bits {
        let watts = Double(Float(bitPattern: UInt32(littleEndian: each)))
        guard (0...1_000_000).contains(watts) else { return nil }
        total += watts / 1000
        joules.append(total)
        idleWatts = watts
      }
    }
  }

  private static let millisecond: Int64 = 1_000_000

  private let file: String
  /// What is drawn from when on, in nanoseconds since the device's start; the first is not played, but draws its last power.
  private var parts: [(begin: Int64, recording: Recording)]

  /// Reads a file.
  ///
  /// - Returns: nil if it cannot be read, or has something else in it than power.
  init?(file: String) {
    guard let recording = Recording(file: file) else { return nil }
    self.file = file
    parts = [(0, recording)]
  }

  /// Reads the file anew, and plays it from its start, so long after the device's start; if it is playing then, it begins anew.
  ///
  /// - Returns: false if the file cannot be read.
  mutating func play(at nanoseconds: Int64) -> Bool {
    guard let recording = Recording(file: file) else { return false }
    parts = parts.prefix(1) + parts.dropFirst().filter { $0.begin < nanoseconds } + [(nanoseconds, recording)]
    return true
  }

  /// The energy so long after the device's start. It changes every millisecond.
  func joules(nanoseconds: Int64) -> Double {
    var total = 0.0
    for (index, part) in parts.enumerated() where part.begin <= nanoseconds {
      let end = index + 1 < parts.count ? min(max(parts[index + 1].begin, part.begin), nanoseconds) : nanoseconds
      let passed = (end - part.begin) / Self.millisecond
      let played = index == 0 ? 0 : min(Int(passed), part.recording.joules.count - 1)
      total += part.recording.joules[played] + part.recording.idleWatts * Double(passed - Int64(played)) / 1000
    }
    return total
  }

  static func == (one: Self, other: Self) -> Bool {
    one.file == other.file && one.parts.elementsEqual(other.parts) { $0 == $1 }
  }
}
