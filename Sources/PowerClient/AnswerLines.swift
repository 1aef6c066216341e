internal import FoundationEssentials
package import PowerProtocol

/// Cuts a stream of bytes into lines.
package struct LineBuffer {
  /// No line of the protocol has more bytes than this.
  static let mostBytes = 1 << 20

  private var bytes: [UInt8] = []
  private var start = 0
  /// How far was searched without finding a newline, so that a line that comes in many pieces is searched only once.
  private var searched = 0

  /// Nothing has arrived yet.
  package init() {}

  /// Adds bytes that arrived.
  package mutating func append(_ more: some Sequence<UInt8>) {
    bytes.removeFirst(start)
    searched -= start
    start = 0
    bytes += more
  }

  /// The next whole line, without its newline; nil until there is one.
  package mutating func next() -> [UInt8]? {
    guard let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
      searched = bytes.count
      return nil
    }
    defer {
      start = end + 1
      searched = start
    }
    return Array(bytes[start..<end])
  }

  /// Whether an unfinished line is longer than any can be.
  var isOverfull: Bool { bytes.count - start > Self.mostBytes }
}

/// Why a line is not a valid answer.
package struct AnswerError: Error {
  /// The reason, as part of a sentence.
  package let why: String
}

extension Answer {
  /// Reads a line of a service, without its newline.
  ///
  /// The protocol is printable ASCII, so a line that passes may be printed to a terminal unchanged.
  package init(line: [UInt8]) throws(AnswerError) {
    guard line.allSatisfy({ 0x20...0x7E ~= $0 }) else { throw AnswerError(why: "a line is not printable ASCII") }
    do {
      self = try JSONDecoder().decode(Answer.self, from: Data(line))
    } catch {
      let text = String(decoding: line.prefix(80), as: UTF8.self)
      throw AnswerError(why: "a line is not a valid reading or answer (\(text)\(line.count > 80 ? "..." : ""))")
    }
  }
}
