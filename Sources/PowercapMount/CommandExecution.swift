internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// A command in this process's place.
public enum CommandExecution {
  /// Executes the last words of this process's own command line, this many, byte for byte: they need not be UTF-8.
  ///
  /// - Throws: only if that is impossible.
  public static func run(lastArguments count: Int) throws(TreeError) -> Never {
    var words: [CChar] = []
    var name: String?
    for index in max(Int(CommandLine.argc) - count, 1)..<max(Int(CommandLine.argc), 1) {
      guard let word = unsafe CommandLine.unsafeArgv[index] else { continue }
      name = unsafe name ?? String(cString: word)
      var offset = 0
      repeat {
        words.append(unsafe word[offset])
        offset += 1
      } while words.last != 0
    }
    try run(words, count: count, name: name ?? "")
  }

  /// Executes a command, looked for in PATH as execvp(3) does.
  ///
  /// - Parameters:
  ///   - text: its words, one behind the other, each with its terminating zero.
  ///   - count: the number of the words.
  ///   - name: the command, for people.
  /// - Throws: only if that is impossible.
  static func run(_ text: [CChar], count: Int, name: String) throws(TreeError) -> Never {
    let error = unsafe cmsr_execute(text, Int32(count))
    // For a folder the kernel reports "permission denied".
    var file = stat()
    let isThere = unsafe stat(name, &file) == 0
    let isFolder = name.contains("/") && isThere && file.st_mode & S_IFMT == S_IFDIR
    throw .cannotRun(name, errno: isFolder ? EISDIR : error)
  }
}
