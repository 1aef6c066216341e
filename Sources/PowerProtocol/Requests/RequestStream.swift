/// Splits the bytes of a client into requests: the lines of a connection whose first byte is `{`. Anything else is ignored.
package struct RequestStream {
  /// A result of splitting.
  package enum Event: Equatable {
    /// A request, without its newline.
    case request([UInt8])
    /// A request is longer than allowed; nothing after it is a request.
    case tooLong
  }

  /// The most bytes of a request, without its newline.
  package static let mostRequestBytes = 4096
  /// How much is read from a client whose bytes are all ignored; the newline of a probe is far below it.
  package static let mostIgnoredBytes = 65_536

  private enum State {
    case fresh
    case ignoring(bytes: Int)
    case requests(unfinished: [UInt8])
    case ended
  }

  private var state = State.fresh

  /// The stream of a connection that has sent nothing yet.
  package init() {}

  /// Whether nothing that may still come can matter.
  package var isExhausted: Bool {
    switch state {
    case .ended: true
    case .ignoring(let bytes): bytes >= Self.mostIgnoredBytes
    case .fresh, .requests: false
    }
  }

  /// Adds bytes, and returns the requests that they complete.
  package mutating func take(_ bytes: some Collection<UInt8>) -> [Event] {
    guard let first = bytes.first else { return [] }
    switch state {
    case .fresh:
      state = first == UInt8(ascii: "{") ? .requests(unfinished: []) : .ignoring(bytes: 0)
      return take(bytes)
    case .ignoring(let ignored):
      state = .ignoring(bytes: ignored + bytes.count)
      return []
    case .ended:
      return []
    case .requests(let unfinished):
      return cut(unfinished, bytes)
    }
  }

  private mutating func cut(_ unfinished: [UInt8], _ bytes: some Collection<UInt8>) -> [Event] {
    var events: [Event] = []
    var line = unfinished
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        events.append(.request(line))
        line = []
      } else if line.count == Self.mostRequestBytes {
        state = .ended
        return events + [.tooLong]
      } else {
        line.append(byte)
      }
    }
    state = .requests(unfinished: line)
    return events
  }
}
