extension PowerLine {
  /// The most bytes a line may have with its newline, so that a client's first `recv(1024)` holds it whole.
  public static let mostBytes = 1023

  /// The line as it is sent: ASCII, newline included, in the form of Python's `json.dumps`.
  public var encoded: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(96)
    bytes += #"{"power_watts": "#.utf8
    Self.append(decimal: centiwatts, places: 2, to: &bytes)
    bytes += #", "timestamp": "#.utf8
    Self.append(decimal: unixMilliseconds, places: 3, to: &bytes)
    bytes += #", "status": ""#.utf8
    bytes += status.rawValue.utf8
    bytes += "\"}\n".utf8
    return bytes
  }

  /// The watts as they stand on the wire: "42.5".
  public var wattsText: String {
    var bytes: [UInt8] = []
    Self.append(decimal: centiwatts, places: 2, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Writes `number` / 10^`places` as Python writes a float: no trailing zeros, but one digit after the point.
  private static func append(decimal number: Int64, places: Int, to bytes: inout [UInt8]) {
    var magnitude = number.magnitude
    var digits: [UInt8] = []
    while magnitude > 0 || digits.count <= places {
      digits.append(UInt8(ascii: "0") + UInt8(magnitude % 10))
      magnitude /= 10
    }
    let zeros = digits.prefix(places - 1).prefix { $0 == UInt8(ascii: "0") }.count
    if number < 0 { bytes.append(UInt8(ascii: "-")) }
    bytes += digits[places...].reversed()
    bytes.append(UInt8(ascii: "."))
    bytes += digits[zeros..<places].reversed()
  }
}
