import Foundation
import Testing

@Suite("The README's first Python example", .enabled(if: Executables.isRoot, "needs root"))
struct ReadmeTests {
  /// Runs it as it stands there, where /run and /tmp are a test's own.
  private func run(beside service: String) throws -> (exitCode: Int32, output: String) {
    let readme = try ProjectFiles.text("README.md")
    let example = try #require(readme.firstMatch(of: /```python\n((?s).*?)```/)).output.1
    let script = """
      set -e; mount -t tmpfs -o mode=755 none /run; mount -t tmpfs -o mode=1777 none /tmp
      \(service)
      set +e; python3 -u -c "$1" 2>/tmp/errors | head -n 2; echo "code ${PIPESTATUS[0]}"; grep 'No service' /tmp/errors
      """
    return try Child.run(["unshare", "-m", "bash", "-c", script, Executables.service, String(example)], seconds: 30)
  }

  @Test(
    "reads a service at whichever path it serves", arguments: ["--user root", "setpriv --reuid daemon --regid daemon"])
  func reads(how: String) throws {
    let (wrapper, option) = how.hasPrefix("--") ? ("", how) : (how + " --clear-groups", "")
    let (_, output) = try run(
      beside: """
        : >/tmp/log
        \(wrapper) "$0" --source simulated --interval 0.5 \(option) >>/tmp/log 2>&1 &
        S=$!; trap 'kill $S; wait $S || :' EXIT; until grep -q Ready /tmp/log; do kill -0 $S; sleep 0.05; done
        [ -e /run/pkg-watt-stat/pkg-watt-stat.sock ] && echo in /run || echo in /tmp
        """)
    let place = wrapper.isEmpty ? "/run" : "/tmp"
    let form = "in \(place)\n[0-9.]+ W.*\n[0-9.]+ W.*\ncode "
    #expect(try output.starts(with: Regex(form)), "\(output)")
  }

  @Test("says that no service answers")
  func none() throws {
    let (_, output) = try run(beside: "")
    #expect(output == "code 1\nNo service answers.\n", "\(output)")
  }
}
