import Foundation
import CMSRShim
import Testing

@testable import Privileges

/// A status file of a thread that holds exactly what the service may.
private func status(_ changes: [String: String] = [:], without missing: String? = nil) -> String {
  var fields = [
    "Name": "pkg-watt-stat", "Uid": "990\t990\t990\t990", "Gid": "991\t991\t991\t991", "Groups": " ",
    "CapInh": "0000000000000000", "CapPrm": "0000000000020000", "CapEff": "0000000000020000",
    "CapBnd": "0000000000020000", "CapAmb": "0000000000000000", "NoNewPrivs": "1",
  ]
  fields.merge(changes) { $1 }
  if let missing { fields[missing] = nil }
  return fields.map { "\($0):\t\($1)\n" }.sorted().joined()
}

private let limit = PrivilegeLimit(user: 990, group: 991, withoutGroups: true, boundsLimited: true)

@Suite("What a thread may do")
struct ThreadPrivilegesTests {
  @Test("is read from its status file")
  func parsing() throws {
    let thread = try #require(ThreadPrivileges(status: status(["Groups": "4 24"])))
    #expect(thread.users == [990, 990, 990, 990] && thread.groups == [991, 991, 991, 991])
    #expect(thread.supplementaryGroups == [4, 24] && thread.noNewPrivileges)
    #expect(thread.permitted == 1 << 17 && thread.effective == 1 << 17 && thread.bounding == 1 << 17)
    #expect(thread.inheritable == 0 && thread.ambient == 0)
    let own = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    #expect(ThreadPrivileges(status: own)?.users.first == getuid())
  }

  @Test(
    "is not guessed where a field is missing",
    arguments: ["Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs"])
  func missing(field: String) {
    #expect(ThreadPrivileges(status: status(without: field)) == nil)
  }

  @Test(
    "is not guessed from junk",
    arguments: [["Uid": "0"], ["Gid": "a b c d"], ["CapEff": "none"], ["Groups": "x"], ["CapPrm": ""]])
  func junk(changes: [String: String]) {
    #expect(ThreadPrivileges(status: status(changes)) == nil)
    #expect(ThreadPrivileges(status: "") == nil && ThreadPrivileges(status: "no colon") == nil)
  }

  @Test("CAP_SYS_RAWIO and nothing else is within the limit, nothing at all is too")
  func within() throws {
    #expect(limit.excesses(of: try #require(ThreadPrivileges(status: status()))).isEmpty)
    let nothing = ["CapPrm": "0", "CapEff": "0", "CapBnd": "0"]
    #expect(limit.excesses(of: try #require(ThreadPrivileges(status: status(nothing)))).isEmpty)
  }

  @Test(
    "everything more is an excess, each named",
    arguments: [
      (["CapPrm": "0000000000020001"], "the permitted set"), (["CapEff": "000001ffffffffff"], "the effective set"),
      (["CapInh": "0000000000020000"], "the inheritable set"), (["CapAmb": "0000000000020000"], "the ambient set"),
      (["CapBnd": "0000000000220000"], "the bounding set"), (["Uid": "990\t990\t0\t990"], "user ids"),
      (["Gid": "991\t0\t991\t991"], "group ids"), (["Groups": "4"], "supplementary groups"),
      (["NoNewPrivs": "0"], "no_new_privs"),
    ])
  func excesses(changes: [String: String], names: String) throws {
    let excesses = limit.excesses(of: try #require(ThreadPrivileges(status: status(changes))))
    #expect(excesses.count == 1 && excesses.first?.contains(names) == true, "\(excesses)")
  }

  @Test("what a process without root's rights cannot give up is not asked of it")
  func withoutRights() throws {
    let loose = PrivilegeLimit(user: nil, group: nil, withoutGroups: false, boundsLimited: false)
    let changes = ["CapBnd": "000001ffffffffff", "Groups": "4", "Uid": "1\t2\t3\t4"]
    #expect(loose.excesses(of: try #require(ThreadPrivileges(status: status(changes)))).isEmpty)
    let more = ["CapEff": "0000000000020001"]
    #expect(loose.excesses(of: try #require(ThreadPrivileges(status: status(more)))).count == 1)
  }
}

@Suite("The proof")
struct PrivilegeProofTests {
  @Test("this process, which dropped nothing, does not pass it")
  func refused() {
    do {
      try PrivilegeProof.require(limit)
      Issue.record("it passed")
    } catch {
      guard case .notDropped(let excesses) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(excesses.contains { $0.contains("in thread") })
      // Other tests of this process have been another user for a while, which takes this away.
      #expect(excesses.contains { $0.contains("dumped") } == (cmsr_is_dumpable() == 1))
      #expect("\(error)".hasPrefix("The service has more rights than it may have"))
    }
  }

  @Test("/proc is there")
  func proc() {
    #expect(throws: Never.self) { try PrivilegeProof.requireProc() }
  }
}

@Suite("The service's user")
struct ServiceUserTests {
  @Test("is looked up by name")
  func lookup() throws {
    #expect(try ServiceUser.named("root") == ServiceUser(name: "root", user: 0, group: 0))
    #expect(try ServiceUser.named("no-such-user-anywhere") == nil)
    #expect(try ServiceUser.named("") == nil)
  }

  @Test("that is missing leaves root, with the capability that is kept, or with none")
  func missing() {
    #expect(PrivilegeDrop.staysRoot(keepsRawIO: true).contains("stays root, with CAP_SYS_RAWIO only; create it"))
    let sealed = PrivilegeDrop.staysRoot(keepsRawIO: false)
    #expect(sealed.contains("stays root, without any capability; create it") && !sealed.contains("RAWIO"))
  }

  @Test(
    "errors say what to do",
    arguments: [
      (PrivilegeError.unknownUser("x"), "--user"), (.cannotBecome(user: "x"), "sudo"),
      (.noProof(path: "/proc/self/task", errno: ENOENT), "mount /proc"), (.unclearProof(path: "/p"), "/p"),
      (.cannotLeaveGroups, "setpriv"),
      (.step("become the user x", errno: EPERM), "Cannot become the user x: Operation not permitted"),
      (.lookup(kind: "user", name: "x", errno: EIO), "nsswitch.conf"), (.notDropped(["a", "b"]), "a; b"),
    ])
  func sentences(error: PrivilegeError, says: String) {
    #expect("\(error)".contains(says))
  }
}
