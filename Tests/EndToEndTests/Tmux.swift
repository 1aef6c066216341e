import Foundation

/// A terminal that a program runs in, and that can be looked at: a tmux server of its own.
final class Tmux {
  static let isThere = (try? Child.run(["tmux", "-V"]).exitCode) == 0
  static let isNeeded = "needs tmux: scripts/setup --tests installs it"

  let folder: TemporaryFolder

  /// Starts a shell command in a terminal of this size.
  init(columns: Int, rows: Int, _ command: String, environment: String = "") throws {
    folder = try TemporaryFolder()
    // Nothing of the tests' own environment decides how it looks.
    let clean = "exec env -u NO_COLOR -u LC_ALL -u LC_CTYPE LANG=C.UTF-8 \(environment) sh -c '\(command)'"
    try run(["new-session", "-d", "-x", "\(columns)", "-y", "\(rows)", clean])
  }

  /// What is seen now, row by row.
  ///
  /// - Parameter hasEscapes: with colours and the like, as escape sequences.
  func screen(hasEscapes: Bool = false) throws -> [String] {
    let text = try run(["capture-pane", "-p"] + (hasEscapes ? ["-e"] : []))
    return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }

  /// What tmux knows of the terminal, as `#{alternate_on}`.
  func value(_ format: String) throws -> String {
    try run(["display-message", "-p", format]).trimmingCharacters(in: .newlines)
  }

  /// Presses keys, as tmux names them.
  func press(_ keys: String...) throws { try run(["send-keys"] + keys) }

  func resize(columns: Int, rows: Int) throws {
    try run(["resize-window", "-x", "\(columns)", "-y", "\(rows)"])
  }

  /// Waits until the screen looks as it should, and gives it.
  @discardableResult
  func wait(for what: String, _ isThere: ([String]) throws -> Bool) throws -> [String] {
    var seen: [String] = []
    do {
      try EndToEndTests.wait(for: what) {
        seen = try screen()
        return try isThere(seen)
      }
    } catch {
      throw TestFailure("\(error); the screen:\n\(seen.joined(separator: "\n"))")
    }
    return seen
  }

  @discardableResult
  private func run(_ arguments: [String]) throws -> String {
    let (code, output) = try Child.run(["tmux", "-u", "-f", "/dev/null", "-S", folder.file("tmux")] + arguments)
    guard code == 0 else { throw TestFailure("tmux \(arguments): \(output)") }
    return output
  }

  deinit {
    _ = try? run(["kill-server"])
  }
}
