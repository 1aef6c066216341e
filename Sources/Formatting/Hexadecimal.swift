/// `0x611`, as manuals write the addresses of registers.
public func hexadecimal(_ number: some BinaryInteger) -> String {
  "0x" + String(number, radix: 16, uppercase: true)
}

/// The number that a text such as `0x611` stands for; nil for anything else.
public func hexadecimalValue(_ text: some StringProtocol) -> UInt64? {
  text.utf8.starts(with: "0x".utf8) ? UInt64(text.dropFirst(2), radix: 16) : nil
}

/// What a hexadecimal digit, of either case, is worth; nil for any other ASCII character.
public func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
