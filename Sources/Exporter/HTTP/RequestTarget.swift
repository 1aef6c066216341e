internal import Formatting

/// The target of a request: a path, with or without the host in front (RFC 9112, 3.2).
struct RequestTarget {
  /// The host and port in front of the path; nil if the Host header has them.
  let authority: String?
  /// The path, without percent-encoding.
  let path: String
  /// The query's names and values, without percent-encoding, in order.
  let query: [(name: String, value: String)]

  /// Reads a target; nil for anything else.
  init?(_ text: String) {
    var rest = text[...]
    authority = Self.takeAuthority(&rest)
    if let authority {
      guard !authority.isEmpty, !authority.utf8.contains(UInt8(ascii: "@")) else { return nil }
      if rest.utf8.first != UInt8(ascii: "/") { rest = "/" + rest }
    }
    let isPath = rest.utf8.first == UInt8(ascii: "/") || rest == "*"
    let parts = rest.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
    guard isPath, let path = Self.decoded(parts[0]) else { return nil }
    self.path = path
    var query: [(name: String, value: String)] = []
    for pair in parts.count > 1 ? parts[1].split(separator: UInt8(ascii: "&")) : [] {
      let sides = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decoded(sides[0]), let value = Self.decoded(sides.count > 1 ? sides[1] : Substring().utf8)
      else { return nil }
      query.append((name, value))
    }
    self.query = query
  }

  /// Takes "http://HOST" from the front.
  private static func takeAuthority(_ rest: inout Substring) -> String? {
    for scheme in ["http://", "https://"] where rest.prefix(scheme.count).lowercased() == scheme {
      let behind = rest.dropFirst(scheme.count)
      let authority = behind.prefix { $0 != "/" && $0 != "?" }
      rest = behind[authority.endIndex...]
      return String(authority)
    }
    return nil
  }

  /// Text without percent-encoding; nil if it is malformed, or not UTF-8 after decoding.
  private static func decoded(_ text: Substring.UTF8View.SubSequence) -> String? {
    var bytes: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(hexadecimalDigit), let low = rest.popFirst().flatMap(hexadecimalDigit)
      else { return nil }
      bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
