internal import CMSRShim

/// The most privileges that a thread of the service may hold while it serves.
struct PrivilegeLimit: Sendable {
  /// The user id it must have everywhere, or nil for any.
  var user: UInt32?
  /// The group id it must have everywhere, or nil for any.
  var group: UInt32?
  /// Whether it must be without supplementary groups.
  var withoutGroups: Bool
  /// Whether the bounding set is limited as well, which only a process with CAP_SETPCAP can do.
  var boundsLimited: Bool
  /// The capabilities that it may have: CAP_SYS_RAWIO, or none.
  var capabilities = cmsr_raw_io_mask()
  /// Whether CAP_SYS_RAWIO may be passed on to programs that it starts.
  var forChildren = false
  /// Whether a system-call filter keeps CAP_SYS_RAWIO in the inheritable set. There it only helps a program whose file has it
  /// too.
  var isFiltered = false

  /// Each excess of a thread over this limit, in words; empty if there is none.
  func excesses(of thread: ThreadPrivileges) -> [String] {
    let rawIO = cmsr_raw_io_mask()
    var excesses: [String] = []
    func check(_ name: String, _ set: UInt64, most: UInt64) {
      let excess = set & ~most
      if excess != 0 { excesses.append("\(name) holds capabilities \(String(excess, radix: 16)) (hexadecimal mask)") }
    }
    check("the permitted set", thread.permitted, most: capabilities)
    check("the effective set", thread.effective, most: capabilities)
    check("the inheritable set", thread.inheritable, most: forChildren || isFiltered ? rawIO : 0)
    check("the ambient set", thread.ambient, most: forChildren ? rawIO : 0)
    if boundsLimited { check("the bounding set", thread.bounding, most: capabilities) }
    if let user, thread.users.contains(where: { $0 != user }) {
      excesses.append("the user ids are \(thread.users) instead of \(user)")
    }
    if let group, thread.groups.contains(where: { $0 != group }) {
      excesses.append("the group ids are \(thread.groups) instead of \(group)")
    }
    if withoutGroups && !thread.supplementaryGroups.isEmpty {
      excesses.append("supplementary groups are left: \(thread.supplementaryGroups)")
    }
    if !thread.noNewPrivileges { excesses.append("no_new_privs is not set") }
    return excesses
  }
}
