internal import RAPL

/// A JSON value to be written.
public indirect enum JSON: Sendable {
  /// Members, in this order.
  case object([(String, JSON)])
  /// Values.
  case array([JSON])
  /// A text.
  case string(String)
  /// A number; null if it is not finite.
  case number(Double)
  /// True or false.
  case boolean(Bool)
  /// No value.
  case null

  /// The value as JSON text: one line, ASCII.
  public var text: String {
    var text = ""
    append(to: &text)
    return text
  }

  /// The text as it is sent: with a newline.
  public var line: [UInt8] { Array(text.utf8) + [UInt8(ascii: "\n")] }

  private func append(to text: inout String) {
    switch self {
    case .object(let members):
      text += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { text += ", " }
        Self.quote(member.0, to: &text)
        text += ": "
        member.1.append(to: &text)
      }
      text += "}"
    case .array(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += ", " }
        value.append(to: &text)
      }
      text += "]"
    case .string(let string): Self.quote(string, to: &text)
    case .number(let number) where number.isFinite && number == number.rounded() && abs(number) < 1e15:
      text += "\(Int64(clamping: number))"
    case .number(let number): text += number.isFinite ? "\(number)" : "null"
    case .boolean(let boolean): text += boolean ? "true" : "false"
    case .null: text += "null"
    }
  }

  private static func quote(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case " "..."~": text.unicodeScalars.append(scalar)
      default:
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      }
    }
    text += "\""
  }
}

extension JSON {
  /// A whole number.
  public static func integer(_ number: some BinaryInteger) -> JSON { .number(Double(number)) }
  /// A number, or null for nil.
  public static func optional(_ number: Double?) -> JSON { number.map { .number($0) } ?? .null }
  /// A string, or null for nil.
  public static func optional(_ string: String?) -> JSON { string.map { .string($0) } ?? .null }
}
