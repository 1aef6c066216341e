internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// Gives up every privilege but CAP_SYS_RAWIO, for good. Only for a process that still has one thread.
public enum PrivilegeDrop {
  /// The user that the service becomes.
  public enum Identity: Sendable, Equatable {
    /// The user of `--user`; it is an error if this process cannot become it.
    case required(ServiceUser)
    /// The system's own user for the service, if this process can become it.
    case preferred(ServiceUser)
    /// The present user.
    case unchanged
  }

  /// Who keeps CAP_SYS_RAWIO.
  public enum Keep: Sendable {
    /// This process.
    case own
    /// This process and the programs that it starts: the inheritable and ambient sets then contain it too.
    case forChildren
    /// Nobody. Registers that are open stay readable.
    case nothing
    /// Nobody, unless a system-call filter forbids giving it up: nothing needs it any more.
    case nothingIfAllowed
  }

  /// Makes sure that privileges can be dropped, as far as that can be told beforehand, for those who only check.
  ///
  /// - Throws: the error that `run` would throw.
  public static func requirePossible(_ identity: Identity = .unchanged) throws(PrivilegeError) {
    let changesIdentity = cmsr_has_setuid_and_setgid() == 1
    _ = try target(identity, changesIdentity: changesIdentity)
    guard changesIdentity else { return }
    // As the kernel decides it, see userns_may_setgroups: the namespace allows setgroups, and its groups are known. Kernels without
    // user namespaces have neither file.
    let setgroups = try? TextFile.read("/proc/self/setgroups")
    let groups = try? TextFile.read("/proc/self/gid_map")
    if setgroups?.hasPrefix("deny") == true || groups?.isEmpty == true { throw .cannotLeaveGroups }
  }

  /// Drops privileges, then proves it for every thread.
  ///
  /// - Returns: sentences for the log: what could not be given up, because this process had no right to, or should have been.
  /// - Throws: the step that failed, or the privileges that are left. After any such error, do not serve.
  public static func run(_ identity: Identity, keep: Keep = .own) throws(PrivilegeError) -> [String] {
    var warnings: [String] = []
    let changesIdentity = cmsr_has_setuid_and_setgid() == 1
    let limitsBounds = cmsr_has_setpcap() == 1
    let user = try target(identity, changesIdentity: changesIdentity)
    let staysRoot = changesIdentity && user == nil && getuid() == 0

    try step("empty the ambient set", cmsr_clear_ambient_set())
    // Locked securebits forbid it.
    if keep == .forChildren { try step("pass CAP_SYS_RAWIO on to turbostat", cmsr_make_raw_io_ambient()) }
    if limitsBounds {
      try step("limit the bounding set", cmsr_limit_bounding_set(keep == .own || keep == .forChildren ? 1 : 0))
      try step("lock the securebits", cmsr_lock_securebits())
    } else if cmsr_bounding_set_is_limited() == 0, try PrivilegeProof.holdsCapabilities() {
      warnings.append(
        "Without CAP_SETPCAP the bounding set cannot be limited and the securebits cannot be locked; no_new_privs is set, so that "
          + "neither gives any rights.")
    }
    if changesIdentity {
      let error = cmsr_clear_groups()
      if error == EPERM { throw .cannotLeaveGroups }
      try step("leave the supplementary groups", error)
      if let user {
        try step("become the group of \(user.name)", cmsr_set_group(user.group))
        try step("become the user \(user.name)", cmsr_set_user(user.user))
      }
    }
    let isFiltered = try dropCapabilities(keep)
    let keepsRawIO = !(keep == .nothing || keep == .nothingIfAllowed && !isFiltered)
    if staysRoot { warnings.append(Self.staysRoot(keepsRawIO: keepsRawIO)) }
    try step("set no_new_privs", cmsr_set_no_new_privileges())
    try step("forbid dumps", cmsr_set_not_dumpable())

    try PrivilegeProof.require(
      PrivilegeLimit(
        user: user?.user ?? getuid(), group: user?.group ?? getgid(), withoutGroups: changesIdentity,
        boundsLimited: limitsBounds,
        capabilities: keepsRawIO ? cmsr_raw_io_mask() : 0,
        forChildren: keep == .forChildren, isFiltered: isFiltered))
    return warnings
  }

  /// The warning that there is no user to become.
  static func staysRoot(keepsRawIO: Bool) -> String {
    "The system user \(ServiceUser.defaultName) does not exist, so the service stays root, "
      + "\(keepsRawIO ? "with CAP_SYS_RAWIO only" : "without any capability"); "
      + "create it (useradd --system --no-create-home --shell /usr/sbin/nologin \(ServiceUser.defaultName)), "
      + "or name another with --user."
  }

  /// - Returns: whether a system-call filter forbids it, as that of a service manager that has already dropped everything; the
  ///   proof then checks whether it has.
  private static func dropCapabilities(_ keep: Keep) throws(PrivilegeError) -> Bool {
    switch keep {
    case .nothing, .nothingIfAllowed:
      let error = cmsr_keep_no_capability()
      if error == EPERM && keep == .nothingIfAllowed { return true }
      if error == EPERM { throw .cannotSeal }
      try step("give up every capability", error)
      return false
    case .own, .forChildren:
      let error = cmsr_keep_only_raw_io(keep == .forChildren ? 1 : 0)
      if error == EPERM { return true }
      try step("give up all capabilities but CAP_SYS_RAWIO", error)
      return false
    }
  }

  /// The user to become, or nil to stay.
  private static func target(_ identity: Identity, changesIdentity: Bool) throws(PrivilegeError) -> ServiceUser? {
    switch identity {
    case .unchanged: return nil
    case .preferred(let user): return changesIdentity ? user : nil
    case .required(let user):
      if changesIdentity { return user }
      guard getuid() == user.user else { throw .cannotBecome(user: user.name) }
      return nil
    }
  }

  private static func step(_ name: String, _ error: Int32) throws(PrivilegeError) {
    if error != 0 { throw .step(name, errno: error) }
  }
}
