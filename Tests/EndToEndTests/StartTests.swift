import Foundation
import Testing

@Suite("scripts/start beside a service", .serialized, .enabled(if: Executables.isRoot, "needs root"))
struct StartTests {
  /// Runs it where /run and /tmp are a test's own, with a service there, an installed program, and a compiler that only says so.
  private func start(_ options: String, user: String = "root") throws -> (exitCode: Int32, output: String) {
    let script = """
      set -e; mount -t tmpfs -o mode=755 none /run; mount -t tmpfs -o mode=1777 none /tmp
      mkdir /tmp/bin; ln -s "$0" /tmp/bin/pkg-watt-stat
      printf '#!/bin/sh\\necho "Swift version 9.9"; [ "$1" = --version ] || { echo builds; exit 7; }\\n' >/tmp/bin/swift
      chmod +x /tmp/bin/swift; PATH=/tmp/bin:$PATH
      "$0" --source simulated --user \(user) >/tmp/log 2>&1 &
      S=$!; trap 'kill $S; wait $S || :' EXIT; until grep -q Ready /tmp/log; do kill -0 $S; sleep 0.05; done
      set +e; "$1" \(options); echo "code $?"
      """
    let path = ProjectFiles.top.appending(path: "scripts/start").path
    return try Child.run(["unshare", "-m", "bash", "-c", script, Executables.service, path], seconds: 30)
  }

  @Test("says that the machine is served already, and how to read it, before it builds anything")
  func served() throws {
    let (_, output) = try start("")
    #expect(output.contains("already serves this machine") && output.contains("pkg-watt-stat read"), "\(output)")
    #expect(output.hasSuffix("code 0\n") && !output.contains("builds") && !output.contains("Error"), "\(output)")
  }

  @Test("reports a wrong option also if the machine is served already", arguments: ["--foo", "--interval 0.1"])
  func wrong(option: String) throws {
    let (_, output) = try start(option)
    #expect(output.contains("Error:") && output.contains(option.split(separator: " ")[0]), "\(output)")
    #expect(output.hasSuffix("code 64\n") && !output.contains("already serves"), "\(output)")
  }

  @Test(
    "tells a wrong option before it looks for anything or builds",
    arguments: ["--foo", "--interval", "--seal=1", "read", "--socket /a --foo=1", "-x"])
  func early(options: String) throws {
    let script = """
      printf '#!/bin/sh\\necho "Swift version 9.9"; echo builds; exit 7\\n' >"$1/swift"; chmod +x "$1/swift"; PATH=$1:$PATH
      "$0" \(options) 2>&1; echo "code $?"
      """
    let folder = try TemporaryFolder()
    let path = ProjectFiles.top.appending(path: "scripts/start").path
    let (_, output) = try Child.run(["bash", "-c", script, path, folder.path], seconds: 30)
    #expect(output.hasPrefix("Error: ") && output.hasSuffix("code 64\n"), "\(output)")
    #expect(!output.contains("Looking for") && !output.contains("builds"), "\(output)")
  }

  @Test("knows every option of serve")
  func options() throws {
    let help = try Child.run([Executables.service, "serve", "--help"]).output
    let script = try ProjectFiles.text("scripts/start")
    let known = Set(
      try #require(script.firstMatch(of: /flags="(.*)"\nwith_values="(.*)"/).map { $0.1 + $0.2 })
        .split(separator: " "))
    let real = Set(help.matches(of: /(?m)^  (?:-h, )?(--[a-z-]+)/).map(\.output.1))
    #expect(real.count > 10 && known == real.union(["-h"]), "\(real.symmetricDifference(known))")
  }

  @Test(
    "goes on if it is to serve elsewhere, or the server is somebody else's",
    arguments: [("--socket /tmp/other.sock", "root"), ("", "daemon")])
  func elsewhere(options: String, user: String) throws {
    let (_, output) = try start(options, user: user)
    #expect(output.hasSuffix("builds\ncode 7\n"), "\(output)")
  }
}
