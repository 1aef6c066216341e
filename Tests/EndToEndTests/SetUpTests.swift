import Foundation
import Testing

@Suite("What remains to be done once the files are installed", .enabled(if: Executables.isRoot, "needs root"))
struct SetUpTests {
  private static let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "scripts/packaging/systemd/set-up").path

  @Test(
    "a socket in /tmp that would let in whom the administrator shuts out is masked, but not for one who has chosen since",
    arguments: [
      ("", "SocketMode=0660", true), ("0.1.0", "SocketGroup=power", true), ("0.2.0", "ListenStream=/run/x", true),
      ("0.2.0", "Backlog=16", false), ("0.3.0", "SocketMode=0660", false), ("1.0.0", "SocketMode=0660", false),
    ])
  func masking(old: String, setting: String, isMasked: Bool) throws {
    let folder = try TemporaryFolder()
    // In places of its own, and no user is made.
    let line = """
      set -e
      mkdir -p /etc/systemd/system
      mount -t tmpfs none /etc/systemd/system
      mount -t tmpfs none /run
      printf '#!/bin/sh\\n' >"$1/systemd-sysusers"
      chmod +x "$1/systemd-sysusers"
      mkdir /etc/systemd/system/pkg-watt-stat.socket.d
      printf '[Socket]\\n%s\\n' "$3" >/etc/systemd/system/pkg-watt-stat.socket.d/mine.conf
      PATH=$1:$PATH "$0" "$2" false 2>/dev/null
      readlink /etc/systemd/system/pkg-watt-stat-tmp.socket || echo none
      """
    let (_, output) = try Child.run(["unshare", "-m", "sh", "-c", line, Self.script, folder.path, old, setting])
    #expect(output == (isMasked ? "/dev/null\n" : "none\n"))
  }
}
