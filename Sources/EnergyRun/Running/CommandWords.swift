internal import SystemCalls

/// A command and its arguments, byte for byte: they need not be UTF-8.
public struct CommandWords: Sendable {
  /// The words, each with its terminating zero, one after the other.
  let bytes: [CChar]
  /// How many there are.
  let count: Int32
  /// The words, for people.
  public let texts: [String]

  /// The last words of this process's own command line, this many.
  public init(last count: Int) { self.init(ArgumentBytes.all.suffix(count)) }

  /// These words.
  public init(_ texts: [String]) { self.init(texts.map { Array($0.utf8) }) }

  private init(_ words: [[UInt8]]) {
    bytes = words.flatMap { $0.map { CChar(bitPattern: $0) } + [0] }
    count = Int32(words.count)
    texts = words.map { String(decoding: $0, as: UTF8.self) }
  }
}
