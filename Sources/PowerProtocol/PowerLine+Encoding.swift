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
