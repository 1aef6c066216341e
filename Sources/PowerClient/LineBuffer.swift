/// Cuts a stream of bytes into lines, however it arrives.
package struct LineBuffer {
  /// More bytes without a newline than any line of the protocol has.
  static let mostBytes = 1 << 20

  private var bytes: [UInt8] = []
  private var start = 0
  /// How far a newline was looked for in vain: a line that comes in many pieces is looked through once.
  private var searched = 0

  /// Nothing has arrived yet.
  package init() {}

  /// Adds what arrived.
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
