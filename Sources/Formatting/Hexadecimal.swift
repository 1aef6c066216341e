/// `0x611`, the notation of manuals for register addresses.
public func hexadecimal(_ number: some BinaryInteger) -> String {
  "0x" + String(number, radix: 16, uppercase: true)
}

/// The number of a text such as `0x611`; nil for anything else.
public func hexadecimalValue(_ text: some StringProtocol) -> UInt64? {
  text.utf8.starts(with: "0x".utf8) ? UInt64(text.dropFirst(2), radix: 16) : nil
}

/// The value of a hexadecimal digit, in either case; nil for any other character.
public func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
