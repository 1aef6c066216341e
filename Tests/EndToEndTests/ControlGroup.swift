import Foundation

/// A cgroup of version 2 of its own, for processes that a test starts. It is made through a mount that only this test sees, so it
/// does not matter what the machine has mounted.
final class ControlGroup {
  /// Its name: any characters but a slash and a newline.
  let name: String
  /// Where its mount is.
  let folder: TemporaryFolder

  /// The beginning of a command that sees cgroup v2 at least there.
  static func mount(_ folder: TemporaryFolder) -> [String] {
    ["unshare", "-m", "sh", "-c", #"mount -t cgroup2 none "$0"; exec "$@""#, folder.path]
  }

  /// Why none can be made here; nil if one can.
  static let lack: String? = {
    guard Executables.isRoot else { return Executables.needsRoot }
    do {
      let group = try ControlGroup(".service")
      return try group.run("true").exitCode() == 0 ? nil : "cgroup v2 cannot be used here"
    } catch {
      return "cgroup v2 cannot be used here: \(error)"
    }
  }()

  /// - Parameter ending: the end of its name, which says what it is: ".service". The beginning is different each time.
  init(_ ending: String) throws {
    name = "pkg-watt-stat-test-" + String(UInt64.random(in: 0...UInt64.max), radix: 36) + ending
    folder = try TemporaryFolder()
    let (code, output) = try script(#"mkdir "$1/$2""#)
    guard code == 0 else { throw TestFailure("no cgroup: \(output)") }
  }

  /// Starts a program in it.
  func run(_ command: String...) throws -> Child {
    try Child(words(#"echo $$ >"$1/$2/cgroup.procs"; shift 2; exec "$@""#) + command)
  }

  private func words(_ script: String) -> [String] {
    ["unshare", "-m", "sh", "-c", #"set -e; mount -t cgroup2 none "$1"; "# + script, "sh", folder.path, name]
  }

  private func script(_ script: String) throws -> (exitCode: Int32, output: String) { try Child.run(words(script)) }

  deinit {
    // What has been killed leaves it a moment later.
    let end =
      #"echo 1 >"$1/$2/cgroup.kill"; for _ in $(seq 100); do rmdir "$1/$2" 2>/dev/null && break; sleep 0.02; done"#
    _ = try? script(end)
  }
}
