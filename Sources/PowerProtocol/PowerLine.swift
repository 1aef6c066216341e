internal import Formatting
public import RAPL

/// One line of protocol version 1, which every client gets without a request.
///
/// It holds whole hundredths of a watt and whole milliseconds, the resolution of the wire, so that a line that is written and
/// read back is equal.
public struct PowerLine: Sendable, Equatable {
  /// Whether the watts are fresh, old or invented.
  public enum Status: String, Sendable, Decodable {
    /// A fresh sample.
    case ok
    /// The last good sample, older than 2.5 intervals; the timestamp says how old.
    case stale
    /// A fresh sample of the simulated source, so invented.
    case simulated
  }

  /// Hundredths of a watt, summed over all packages; never negative.
  public let centiwatts: Int64
  /// When the window ended, in milliseconds since 1970.
  public let unixMilliseconds: Int64
  /// Whether the watts are fresh, old or invented.
  public let status: Status
  /// The line as it is sent: ASCII, with its newline, in the format of Python's `json.dumps`.
  public let encoded: [UInt8]

  /// A line from its parts.
  public init(centiwatts: Int64, unixMilliseconds: Int64, status: Status) {
    self.centiwatts = max(centiwatts, 0)
    self.unixMilliseconds = unixMilliseconds
    self.status = status
    // At once, because it may be sent many times.
    var bytes: [UInt8] = []
    bytes.reserveCapacity(96)
    bytes += Self.beforeWatts
    Self.append(self.centiwatts, per: 100, to: &bytes)
    bytes += Self.beforeTimestamp
    Self.append(unixMilliseconds, per: 1000, to: &bytes)
    bytes += Self.beforeStatus
    bytes += status.rawValue.utf8
    bytes += Self.end
    encoded = bytes
  }

  /// The line for a sample, rounded to 0.01 W and to milliseconds.
  ///
  /// - Returns: nil for watts that a line cannot represent: not finite, negative, or more than a petawatt.
  public init?(_ sample: PowerSample, status: Status) {
    guard sample.watts >= 0, sample.watts < 1e15 else { return nil }
    self.init(
      centiwatts: Int64(clamping: (sample.watts * 100).rounded()),
      unixMilliseconds: Self.milliseconds(sample.endUnixNanoseconds), status: status)
  }

  /// The watts as a number.
  public var watts: Double { Double(centiwatts) / 100 }

  /// The same reading with another status.
  public func with(status: Status) -> Self {
    Self(centiwatts: centiwatts, unixMilliseconds: unixMilliseconds, status: status)
  }

  /// Rounded to the nearest, also before 1970.
  private static func milliseconds(_ nanoseconds: Int64) -> Int64 {
    let (quotient, remainder) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
    if remainder >= 500_000 { return quotient + 1 }
    return remainder < -500_000 ? quotient - 1 : quotient
  }
}

extension PowerLine {
  /// The greatest length of a line with its newline, in bytes, so that a client's first `recv(1024)` gets it whole.
  public static let mostBytes = 1023

  private static let beforeWatts = Array(#"{"power_watts": "#.utf8)
  private static let beforeTimestamp = Array(#", "timestamp": "#.utf8)
  private static let beforeStatus = Array(#", "status": ""#.utf8)
  private static let end = Array("\"}\n".utf8)

  /// The watts for people, always with two digits after the point, so that lines of readings stand still: "42.50 W".
  public var wattsText: String { Numbers.fixed(watts, places: 2) + " W" }

  /// Writes `number` / `unit`, a power of ten, like a float in Python: no trailing zeros, but one digit after the point.
  private static func append(_ number: Int64, per unit: UInt64, to bytes: inout [UInt8]) {
    if number < 0 { bytes.append(UInt8(ascii: "-")) }
    var (whole, part) = number.magnitude.quotientAndRemainder(dividingBy: unit)
    var place: UInt64 = 1
    while whole / place >= 10 { place *= 10 }
    repeat {
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: whole / place))
      whole %= place
      place /= 10
    } while place > 0
    bytes.append(UInt8(ascii: "."))
    place = unit
    repeat {
      place /= 10
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: part / place))
      part %= place
    } while part > 0
  }
}

extension PowerLine: Decodable {
  private enum CodingKeys: String, CodingKey {
    case watts = "power_watts"
    case timestamp
    case status
  }

  /// Reads a line, with its fields in any order; unknown fields are ignored.
  ///
  /// - Throws: `DecodingError` for a missing field, a wrong type, an unknown status, or numbers out of range.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let watts = try fields.number(.watts, in: Plausible.watts)
    let seconds = try fields.number(.timestamp, in: Plausible.unixSeconds)
    self.init(
      centiwatts: Int64(clamping: (watts * 100).rounded()),
      unixMilliseconds: Int64(clamping: (seconds * 1000).rounded()),
      status: try fields.decode(Status.self, forKey: .status))
  }
}
