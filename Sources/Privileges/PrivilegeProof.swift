internal import CMSRShim
internal import SystemCalls

/// Reads back which privileges this process holds, thread by thread: capabilities belong to threads, not to processes.
public enum PrivilegeProof {
  private static let tasks = "/proc/self/task"

  /// Makes sure that /proc is there for the proof, before anything is opened.
  public static func requireProc() throws(PrivilegeError) {
    _ = try threads()
  }

  /// Whether any thread of this process has a capability that it may use.
  static func holdsCapabilities() throws(PrivilegeError) -> Bool {
    try threads().contains { $0.privileges.permitted != 0 }
  }

  /// Makes sure that no thread of this process holds more than the limit.
  static func require(_ limit: PrivilegeLimit) throws(PrivilegeError) {
    var excesses: [String] = []
    for (name, thread) in try threads() {
      excesses += limit.excesses(of: thread).map { "in thread \(name), \($0)" }
    }
    if cmsr_is_dumpable() != 0 { excesses.append("the process can be dumped and traced") }
    if limit.boundsLimited && !securebitsAreLocked { excesses.append("the securebits are not locked") }
    guard excesses.isEmpty else { throw .notDropped(excesses) }
  }

  private static var securebitsAreLocked: Bool {
    let bits = cmsr_securebits()
    return bits >= 0 && bits & cmsr_locked_securebits() == cmsr_locked_securebits()
  }

  private static func threads() throws(PrivilegeError) -> [(name: String, privileges: ThreadPrivileges)] {
    let statuses: [(name: String, text: String)]
    do throws(FileError) {
      statuses = try Folder.names(in: tasks).map { name throws(FileError) in
        (name, try TextFile.read("\(tasks)/\(name)/status"))
      }
    } catch {
      throw .noProof(path: error.path, errno: error.errno)
    }
    guard !statuses.isEmpty else { throw .unclearProof(path: tasks) }
    return try statuses.map { name, text throws(PrivilegeError) in
      guard let privileges = ThreadPrivileges(status: text) else {
        throw .unclearProof(path: "\(tasks)/\(name)/status")
      }
      return (name, privileges)
    }
  }
}
