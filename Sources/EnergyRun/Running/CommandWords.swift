/// A command and its arguments, byte for byte: they need not be UTF-8.
public struct CommandWords: Sendable {
  /// The words, each with its terminating zero, one after the other.
  let bytes: [CChar]
  /// How many there are.
  let count: Int32
  /// The words, for people.
  public let texts: [String]

  /// The last words of this process's own command line, this many.
  public init(last count: Int) {
    var bytes: [CChar] = []
    var texts: [String] = []
    for index in max(Int(CommandLine.argc) - count, 1)..<max(Int(CommandLine.argc), 1) {
      guard let word = unsafe CommandLine.unsafeArgv[index] else { continue }
      texts.append(unsafe String(cString: word))
      var offset = 0
      repeat {
        bytes.append(unsafe word[offset])
        offset += 1
      } while bytes.last != 0
    }
    self.bytes = bytes
    self.count = Int32(texts.count)
    self.texts = texts
  }

  /// These words.
  public init(_ texts: [String]) {
    bytes = texts.flatMap { $0.utf8.map { CChar(bitPattern: $0) } + [0] }
    count = Int32(texts.count)
    self.texts = texts
  }
}
