import Foundation

/// A child process whose output is kept.
///
/// Not Foundation's Process: a test's thread has signals blocked, and its children would inherit that. Nor do they inherit
/// signals that are ignored, as those of a background job are, or descriptors: some tests count them.
final class Child {
  let pid: pid_t
  private let arguments: [String]
  private let folder: TemporaryFolder
  private var status: Int32?

  /// Starts a program, looked for in PATH where it is no path, with nothing to read.
  init(_ arguments: [String]) throws {
    self.arguments = arguments
    folder = try TemporaryFolder()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(
      &actions, STDOUT_FILENO, folder.file("output"), O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
    guard let closeFrom = Self.closeFrom, closeFrom(&actions, STDERR_FILENO + 1) == 0 else {
      throw TestFailure("descriptors cannot be kept from \(arguments)")
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { words.forEach { free($0) } }
    var pid: pid_t = 0
    let error = posix_spawnp(&pid, arguments[0], &actions, &attributes, &words, environ)
    guard error == 0 else { throw TestFailure("cannot start \(arguments): \(String(cString: strerror(error)))") }
    self.pid = pid
  }

  /// posix_spawn_file_actions_addclosefrom_np, which Swift's Glibc module lacks. Descriptors are closed in the child, because other
  /// threads of a test may open some at this moment.
  private static let closeFrom = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np").map {
    unsafeBitCast(
      $0, to: (@convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32).self)
  }

  var isRunning: Bool {
    if status == nil {
      var status: Int32 = 0
      if waitpid(pid, &status, WNOHANG) == pid { self.status = status }
    }
    return status == nil
  }

  /// All that it wrote so far, to stdout and stderr.
  var output: String { (try? String(contentsOfFile: folder.file("output"), encoding: .utf8)) ?? "" }

  /// Waits for its end, at most so many seconds, and gives its exit code (128 + n after signal n).
  func exitCode(seconds: Double = 10) throws -> Int32 {
    try wait(seconds: seconds, for: "the end of \(arguments)") { !isRunning }
    guard let status else { throw TestFailure("\(arguments) has no status") }
    return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
  }

  func send(_ signal: Int32) {
    if isRunning { kill(pid, signal) }
  }

  deinit {
    guard isRunning else { return }
    send(SIGTERM)
    send(SIGCONT)
    if (try? exitCode()) == nil {
      send(SIGKILL)
      _ = try? exitCode()
    }
  }

  /// Runs a program to its end.
  static func run(_ arguments: [String], seconds: Double = 10) throws -> (exitCode: Int32, output: String) {
    let child = try Child(arguments)
    return (try child.exitCode(seconds: seconds), child.output)
  }
}
