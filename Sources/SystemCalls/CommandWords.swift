internal import CMSRShim
internal import Glibc

/// A command and its arguments, byte for byte: they need not be UTF-8.
public struct CommandWords: Sendable {
  /// The words, each with its terminating zero, one after the other.
  public let bytes: [CChar]
  /// How many there are.
  public let count: Int32
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

  /// Executes the command in this process's place, looked for in PATH as execvp(3) does.
  ///
  /// - Throws: only if that is impossible.
  public func execute() throws(CommandError) -> Never { throw error(unsafe cmsr_execute(bytes, count)) }

  /// The error for an errno value of exec.
  public func error(_ errno: Int32) -> CommandError {
    let name = texts.first ?? ""
    // For a folder the kernel reports "permission denied". A name without a slash is looked up in PATH instead.
    var file = stat()
    let isThere = unsafe stat(name, &file) == 0
    let isFolder = name.contains("/") && isThere && file.st_mode & S_IFMT == S_IFDIR
    return CommandError(name: name, errno: isFolder ? EISDIR : errno)
  }
}

/// A command was not found, or cannot be executed.
public struct CommandError: Error, Equatable, CustomStringConvertible {
  let name: String
  let errno: Int32

  /// The exit code for it, as in env(1) and timeout(1).
  public var exitCode: Int32 { errno == ENOENT || errno == ENOTDIR ? 127 : 126 }

  /// What failed, on what, why, and what to do.
  public var description: String {
    switch errno {
    case ENOENT: "Cannot run \(name): \(errorText(errno)). Is it installed, and in PATH?"
    case EISDIR: "Cannot run \(name): it is a folder."
    default: "Cannot run \(name): \(errorText(errno))."
    }
  }
}
