/// A JSON value to be written: what a program reads of a diagnosis.
indirect enum JSON {
  case object([(String, JSON)])
  case array([JSON])
  case string(String)
  case number(Double)
  case boolean(Bool)
  case null

  /// The value as JSON text, on one line. What is no finite number becomes null.
  var text: String {
    switch self {
    case .object(let members): "{" + members.map { "\(Self.quoted($0)): \($1.text)" }.joined(separator: ", ") + "}"
    case .array(let values): "[" + values.map(\.text).joined(separator: ", ") + "]"
    case .string(let string): Self.quoted(string)
    case .number(let number) where number.isFinite && number == number.rounded() && abs(number) < 1e15:
      "\(Int64(number))"
    case .number(let number): number.isFinite ? "\(number)" : "null"
    case .boolean(let boolean): boolean ? "true" : "false"
    case .null: "null"
    }
  }

  private static func quoted(_ string: String) -> String {
    var text = "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}

extension JSON {
  /// A number, or null for nil.
  static func optional(_ number: Double?) -> JSON { number.map { .number($0) } ?? .null }
  /// A string, or null for nil.
  static func optional(_ string: String?) -> JSON { string.map { .string($0) } ?? .null }
}
