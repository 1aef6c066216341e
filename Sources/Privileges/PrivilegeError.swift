internal import SystemCalls

/// Why privileges could not be given up, or could not be proven to be gone.
public enum PrivilegeError: Error, Equatable {
  /// The database of a kind, "user" or "group", cannot be read.
  case lookup(kind: String, name: String, errno: Int32)
  /// No such group.
  case unknownGroup(String)
  /// No such user.
  case unknownUser(String)
  /// Another user was asked for than the one that runs the service, but this process may not become it.
  case cannotBecome(user: String)
  /// A step failed.
  case step(String, errno: Int32)
  /// A user namespace forbids setgroups(2), see user_namespaces(7).
  case cannotLeaveGroups
  /// A system-call filter forbids giving up CAP_SYS_RAWIO.
  case cannotSeal
  /// A file of /proc cannot be read.
  case noProof(path: String, errno: Int32)
  /// A file of /proc does not contain what was expected.
  case unclearProof(path: String)
  /// More privileges are left than the service may have.
  case notDropped([String])
}

extension PrivilegeError: CustomStringConvertible {
  /// What failed, on what, why, and what to do.
  public var description: String {
    switch self {
    case .lookup(let kind, let name, let errno):
      "Cannot look up the \(kind) \(name): \(errorText(errno)). Check the \(kind) database (nsswitch.conf)."
    case .unknownGroup(let group):
      "The group \(group) does not exist; create it, or name another with --trusted-group."
    case .unknownUser(let user):
      "The user \(user) does not exist; create it, or name another with --user."
    case .cannotBecome(let user):
      "Cannot become the user \(user) without root rights; start as root (sudo), or leave out --user."
    case .step(let step, let errno):
      "Cannot \(step): \(errorText(errno)). The service does not run with more rights than it needs."
    case .cannotLeaveGroups:
      "The service cannot leave the supplementary groups: this user namespace forbids it, as one made by unshare -r does. Start it "
        + "outside of the namespace, or without any rights in it: setpriv --bounding-set=-all --inh-caps=-all pkg-watt-stat serve"
    case .cannotSeal:
      "Cannot give up CAP_SYS_RAWIO (--seal, --source passed): a system-call filter forbids capset; allow it (systemd: "
        + "SystemCallFilter=capset), or start the service without any capability."
    case .noProof(let path, let errno):
      "Cannot read \(path): \(errorText(errno)). Without /proc the service cannot prove which rights it holds, so it does "
        + "not start; mount /proc."
    case .unclearProof(let path):
      "\(path) does not show which rights the service holds, so it does not start."
    case .notDropped(let findings):
      "The service has more rights than it may have, so it does not start: \(findings.joined(separator: "; ")). "
        + "Start it as root or without these rights."
    }
  }
}
