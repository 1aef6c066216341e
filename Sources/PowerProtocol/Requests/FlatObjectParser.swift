internal import Formatting

/// Reads one JSON object (RFC 8259) whose values are strings, numbers, true, false or null: all that requests consist of.
///
/// Any user may send requests, and the reader has rights: there is no recursion, and no value costs more than its own bytes.
struct FlatObjectParser {
  /// More members than any request has.
  private static let mostMembers = 8

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: some Sequence<UInt8>) {
    self.bytes = Array(bytes)
  }

  /// The members.
  mutating func object() throws(RequestError) -> [String: FlatValue] {
    var members: [String: FlatValue] = [:]
    skipBlanks()
    try expect("{")
    skipBlanks()
    if !take("}") {
      repeat {
        skipBlanks()
        let name = try string()
        guard members[name] == nil else {
          throw .invalidJSON("the member \"\(name.prefix(40))\" appears twice")
        }
        guard members.count < Self.mostMembers else { throw .invalidJSON("it has too many members") }
        skipBlanks()
        try expect(":")
        skipBlanks()
        members[name] = try value()
        skipBlanks()
      } while take(",")
      try expect("}")
    }
    skipBlanks()
    guard position == bytes.count else { throw .invalidJSON("there is text after its end") }
    return members
  }

  private mutating func value() throws(RequestError) -> FlatValue {
    switch bytes.at(position) {
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "{"), UInt8(ascii: "["): throw .invalidJSON("it contains another object or an array")
    case let byte? where byte == UInt8(ascii: "-") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte:
      return .number(try number())
    default:
      for word in ["true", "false", "null"] where bytes[position...].starts(with: word.utf8) {
        position += word.utf8.count
        return word == "null" ? .other : .boolean(word == "true")
      }
      throw .invalidJSON("a value is missing at byte \(position + 1)")
    }
  }

  private mutating func number() throws(RequestError) -> Double {
    let start = position
    _ = take("-")
    // No leading zeros, as the standard has it.
    if !take("0") { try digits() }
    if take(".") { try digits() }
    if take("e") || take("E") {
      _ = take("+") || take("-")
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let number = Double(text), number.isFinite else {
      throw .invalidValue("The number at byte \(start + 1) is out of range")
    }
    return number
  }

  private mutating func digits() throws(RequestError) {
    let start = position
    while let byte = bytes.at(position), UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { position += 1 }
    guard position > start else { throw .invalidJSON("a digit is missing at byte \(position + 1)") }
  }

  private mutating func string() throws(RequestError) -> String {
    try expect("\"")
    var units: [UInt8] = []
    while true {
      guard let byte = bytes.at(position), byte >= 0x20 else {
        throw .invalidJSON("a string has no end at byte \(position + 1)")
      }
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: units, as: UTF8.self) else { throw .invalidJSON("a string is not UTF-8") }
        return string
      case UInt8(ascii: "\\"): units += UTF8.encode(try escaped()) ?? UTF8.encodedReplacementCharacter
      default: units.append(byte)
      }
    }
  }

  private mutating func escaped() throws(RequestError) -> Unicode.Scalar {
    let plain: Unicode.Scalar? =
      switch bytes.at(position) {
      case UInt8(ascii: "\""): "\""
      case UInt8(ascii: "\\"): "\\"
      case UInt8(ascii: "/"): "/"
      case UInt8(ascii: "b"): "\u{8}"
      case UInt8(ascii: "f"): "\u{C}"
      case UInt8(ascii: "n"): "\n"
      case UInt8(ascii: "r"): "\r"
      case UInt8(ascii: "t"): "\t"
      default: nil
      }
    if let plain {
      position += 1
      return plain
    }
    let first = try unit()
    if let scalar = Unicode.Scalar(first) { return scalar }
    try expect("\\")
    let second = try unit()
    guard first < 0xDC00, 0xDC00...0xDFFF ~= second,
      let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xD800) << 10 + UInt32(second) - 0xDC00)
    else { throw .invalidJSON("half a surrogate pair ends before byte \(position + 1)") }
    return scalar
  }

  /// A UTF-16 unit: the four digits of \uXXXX.
  private mutating func unit() throws(RequestError) -> UInt16 {
    try expect("u")
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard let digit = bytes.at(position).flatMap(hexadecimalDigit) else {
        throw .invalidJSON("a hexadecimal digit is missing at byte \(position + 1)")
      }
      value = value << 4 | UInt16(digit)
      position += 1
    }
    return value
  }

  private mutating func skipBlanks() {
    while let byte = bytes.at(position), byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A { position += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard bytes.at(position) == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(RequestError) {
    guard take(character) else { throw .invalidJSON("'\(character)' is missing at byte \(position + 1)") }
  }
}

extension [UInt8] {
  fileprivate func at(_ position: Int) -> UInt8? {
    position < count ? self[position] : nil
  }
}

/// A value in a request.
enum FlatValue: Equatable {
  case string(String)
  case number(Double)
  case boolean(Bool)
  /// null, which no request accepts.
  case other
}
