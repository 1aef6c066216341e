import Foundation
import Testing

@Suite("Privileges of the serving process", .serialized, .enabled(if: Executables.isRoot, "needs root"))
struct PrivilegeTests {
  /// CAP_SYS_RAWIO, as /proc shows it.
  private let rawIO = "0000000000020000"
  private let none = "0000000000000000"

  /// The status fields of every thread of a process.
  private func threads(of pid: pid_t) throws -> [[String: String]] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").map { thread in
      let text = try String(contentsOfFile: "/proc/\(pid)/task/\(thread)/status", encoding: .utf8)
      let pairs = text.split(separator: "\n").map { $0.split(separator: ":", maxSplits: 1) }
      return Dictionary(uniqueKeysWithValues: pairs.map { (String($0[0]), $0[1].trimmingCharacters(in: .whitespaces)) })
    }
  }

  @Test("every thread holds CAP_SYS_RAWIO and nothing else", arguments: ["root", "nobody"])
  func everyThread(user: String) throws {
    let service = try Service.simulated(["--user", user])
    _ = try service.client().reading()
    let threads = try threads(of: service.child.pid)
    // The main one and the server's; the thread sanitizer has another.
    #expect(threads.count == (Executables.hasThreadSanitizer ? 3 : 2))
    let entry = try #require(getpwnam(user))
    let id = "\(entry.pointee.pw_uid)"
    let group = "\(entry.pointee.pw_gid)"
    for thread in threads {
      #expect(thread["CapPrm"] == rawIO)
      #expect(thread["CapEff"] == rawIO)
      #expect(thread["CapBnd"] == rawIO)
      #expect(thread["CapInh"] == none)
      #expect(thread["CapAmb"] == none)
      #expect(thread["NoNewPrivs"] == "1")
      #expect(thread["Uid"]?.split(separator: "\t").allSatisfy { $0 == id } == true)
      #expect(thread["Gid"]?.split(separator: "\t").allSatisfy { $0 == group } == true)
      #expect(thread["Groups"] == "")
    }
    // The user that it became can still take its socket away, from a sticky folder as well.
    #expect(try service.stop() == 0)
    #expect(!FileManager.default.fileExists(atPath: service.socket))
  }

  @Test("the socket belongs to the service's user, so that it can leave a sticky folder")
  func stickyFolder() throws {
    let service = try Service.simulated(["--user", "nobody"])
    chmod(service.folder.path, 0o1777)
    let attributes = try FileManager.default.attributesOfItem(atPath: service.socket)
    #expect(attributes[.ownerAccountName] as? String == "nobody")
    #expect(attributes[.posixPermissions] as? Int == 0o666)
    #expect(try service.stop() == 0)
    #expect(!FileManager.default.fileExists(atPath: service.socket))
  }

  @Test("an ordinary user without any capability is served without a warning about the bounding set")
  func noCapability() throws {
    let service = try Service.simulated(
      wrapper: ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"])
    _ = try service.client().reading()
    #expect(!service.child.output.contains("WARNING"), "\(service.child.output)")
  }

  @Test("an ordinary user with CAP_SYS_RAWIO only is served too, with a warning about the bounding set")
  func ordinaryUser() throws {
    let service = try Service.simulated(
      wrapper: [
        "setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--inh-caps", "-all,+sys_rawio",
        "--ambient-caps", "-all,+sys_rawio",
      ])
    _ = try service.client().reading()
    #expect(service.child.output.contains("WARNING: Without CAP_SETPCAP"))
    for thread in try threads(of: service.child.pid) {
      #expect(thread["CapPrm"] == rawIO)
      #expect(thread["CapEff"] == rawIO)
      #expect(thread["CapInh"] == none)
      #expect(thread["CapAmb"] == none)
    }
  }

  @Test("root that cannot become another serves as root, also where the service's user exists")
  func lastingRoot() throws {
    let folder = try TemporaryFolder()
    let users = folder.file("passwd")
    let script = """
      { cat /etc/passwd; echo pkg-watt-stat:x:64321:64321::/:/bin/false; } >"$0"
      mount --bind "$0" /etc/passwd || exit 9
      exec capsh --drop=cap_setuid,cap_setgid -- -c 'exec "$0" serve --source simulated --socket "$1"' "$@"
      """
    let socket = folder.file("s")
    let child = try Child(["unshare", "-m", "sh", "-c", script, users, Executables.service, socket])
    try wait(for: "it to serve") { child.output.contains("Ready") || !child.isRunning }
    #expect(child.isRunning, "\(child.output)")
    #expect(try Client(socket).reading().status == "simulated")
    child.send(SIGTERM)
    #expect(try child.exitCode() == 0)
    #expect(!FileManager.default.fileExists(atPath: socket))
  }

  @Test("a user namespace that forbids it to leave its groups keeps it from serving, and nothing stays behind")
  func userNamespace() throws {
    let script = """
      mount -t tmpfs none /run && mount -t tmpfs none /tmp || exit 9
      "$0" serve --source simulated
      echo "ended $?"; ls -dA /run/pkg-watt-stat* /tmp/*
      """
    let (_, output) = try Child.run(["unshare", "-r", "-m", "sh", "-c", script, Executables.service])
    #expect(output.contains("this user namespace forbids it") && output.contains("ended 1\n"), "\(output)")
    #expect(output.contains("'/run/pkg-watt-stat*': No such file") && output.contains("'/tmp/*': No such file"))
  }

  @Test("an ordinary user cannot become another")
  func otherUser() throws {
    let folder = try TemporaryFolder()
    let (code, output) = try Child.run([
      "setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", Executables.service, "--source",
      "simulated", "--user", "daemon", "--socket", folder.file("socket"),
    ])
    #expect(code == 1)
    #expect(output.contains("Cannot become the user daemon"), "\(output)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }
}
