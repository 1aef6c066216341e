public import RAPL

/// One line of protocol version 1: what every client gets, unasked.
///
/// Holds whole hundredths of a watt and whole milliseconds, the resolution of the wire, so that what is written and what
/// is read back are equal.
public struct PowerLine: Sendable, Equatable {
  /// How much the watts are worth.
  public enum Status: String, Sendable, Decodable {
    /// A fresh sample.
    case ok
    /// The last good sample, older than 2.5 intervals; the timestamp says how old.
    case stale
    /// A fresh sample of the simulated source: invented.
    case simulated
  }

  /// Hundredths of a watt, summed over all packages; never negative.
  public let centiwatts: Int64
  /// When the window ended, in milliseconds since 1970.
  public let unixMilliseconds: Int64
  /// How much the watts are worth.
  public let status: Status

  /// A line from what stands in it.
  public init(centiwatts: Int64, unixMilliseconds: Int64, status: Status) {
    self.centiwatts = max(centiwatts, 0)
    self.unixMilliseconds = unixMilliseconds
    self.status = status
  }

  /// The line for a sample, rounded to 0.01 W and to milliseconds.
  ///
  /// - Returns: nil for watts that no line can hold: not finite, negative, or more than a petawatt.
  public init?(_ sample: PowerSample, status: Status) {
    guard sample.watts >= 0, sample.watts < 1e15 else { return nil }
    self.init(
      centiwatts: Int64(clamping: (sample.watts * 100).rounded()),
      unixMilliseconds: Self.milliseconds(sample.endUnixNanoseconds), status: status)
  }

  /// Watts, for people and arithmetic.
  public var watts: Double { Double(centiwatts) / 100 }

  /// The same reading under another status.
  public func with(status: Status) -> Self {
    Self(centiwatts: centiwatts, unixMilliseconds: unixMilliseconds, status: status)
  }

  /// Rounded to the nearest, before 1970 as well.
  private static func milliseconds(_ nanoseconds: Int64) -> Int64 {
    let (quotient, remainder) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
    if remainder >= 500_000 { return quotient + 1 }
    return remainder < -500_000 ? quotient - 1 : quotient
  }
}

extension PowerLine {
  /// The most bytes a line may have with its newline, so that a client's first `recv(1024)` holds it whole.
  public static let mostBytes = 1023

  private static let beforeWatts = Array(#"{"power_watts": "#.utf8)
  private static let beforeTimestamp = Array(#", "timestamp": "#.utf8)
  private static let beforeStatus = Array(#", "status": ""#.utf8)
  private static let end = Array("\"}\n".utf8)

  /// The line as it is sent: ASCII, newline included, in the form of Python's `json.dumps`.
  public var encoded: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(96)
    bytes += Self.beforeWatts
    Self.append(centiwatts, per: 100, to: &bytes)
    bytes += Self.beforeTimestamp
    Self.append(unixMilliseconds, per: 1000, to: &bytes)
    bytes += Self.beforeStatus
    bytes += status.rawValue.utf8
    bytes += Self.end
    return bytes
  }

  /// The watts as they stand on the wire: "42.5".
  public var wattsText: String {
    var bytes: [UInt8] = []
    Self.append(centiwatts, per: 100, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Writes `number` / `unit`, a power of ten, as Python writes a float: no trailing zeros, but one digit after the point.
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

  /// Reads a line back, whatever the order of its fields; unknown fields are left alone.
  ///
  /// - Throws: `DecodingError` for a missing field, a wrong type, an unknown status, or numbers out of reason.
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
