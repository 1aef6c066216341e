internal import SystemCalls

/// Why privileges could not be given up, or could not be shown to be gone.
public enum PrivilegeError: Error, Equatable {
  /// The user database cannot be read.
  case lookup(user: String, errno: Int32)
  /// The group database cannot be read.
  case groupLookup(group: String, errno: Int32)
  /// No such group.
  case unknownGroup(String)
  /// No such user.
  case unknownUser(String)
  /// Another user was asked for than the one that runs the service, without the right to become it.
  case cannotBecome(user: String)
  /// A step failed.
  case step(String, errno: Int32)
  /// A user namespace forbids setgroups(2), see user_namespaces(7).
  case cannotLeaveGroups
  /// A system-call filter keeps CAP_SYS_RAWIO from being given up.
  case cannotSeal
  /// A file of /proc cannot be read.
  case noProof(path: String, errno: Int32)
  /// A file of /proc holds something else than expected.
  case unclearProof(path: String)
  /// More is held than the service may have.
  case notDropped([String])
}

extension PrivilegeError: CustomStringConvertible {
  /// What failed, on what, why, and what to do.
  public var description: String {
    switch self {
    case .lookup(let user, let errno):
      "Cannot look up the user \(user): \(errorText(errno)). Check the user database (nsswitch.conf)."
    case .groupLookup(let group, let errno):
      "Cannot look up the group \(group): \(errorText(errno)). Check the group database (nsswitch.conf)."
    case .unknownGroup(let group):
      "There is no group \(group) on this system; create it, or name another with --trusted-group."
    case .unknownUser(let user):
      "There is no user \(user) on this system; create it, or name another with --user."
    case .cannotBecome(let user):
      "Cannot become the user \(user) without root's rights; start as root (sudo), or leave out --user."
    case .step(let step, let errno):
      "Cannot \(step): \(errorText(errno)). The service does not run with more rights than it needs, so it ends here."
    case .cannotLeaveGroups:
      "Cannot leave the supplementary groups: this user namespace forbids it, as unshare -r makes one. Start the service "
        + "outside it, or in it without any right: setpriv --bounding-set=-all --inh-caps=-all pkg-watt-stat serve"
    case .cannotSeal:
      "Cannot give up CAP_SYS_RAWIO (--seal): a system-call filter forbids capset; allow it (systemd: "
        + "SystemCallFilter=capset), or leave out --seal."
    case .noProof(let path, let errno):
      "Cannot read \(path): \(errorText(errno)). Without /proc nothing shows which rights the service holds, so it does "
        + "not serve; mount /proc."
    case .unclearProof(let path):
      "\(path) does not show which rights the service holds, so it does not serve."
    case .notDropped(let findings):
      "The service still has more rights than it may have, so it does not serve: \(findings.joined(separator: "; ")). "
        + "Start it as root or without these rights."
    }
  }
}
