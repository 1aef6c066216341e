/// The privileges of one thread, from its /proc status file; see proc_pid_status(5).
struct ThreadPrivileges: Sendable, Equatable {
  /// Real, effective, saved and file system user ids.
  let users: [UInt32]
  /// Real, effective, saved and file system group ids.
  let groups: [UInt32]
  /// Supplementary groups.
  let supplementaryGroups: [UInt32]
  /// The inheritable set: bit n is capability n, here and below.
  let inheritable: UInt64
  /// The permitted set.
  let permitted: UInt64
  /// The effective set.
  let effective: UInt64
  /// The bounding set.
  let bounding: UInt64
  /// The ambient set.
  let ambient: UInt64
  /// Whether no program started from here can gain privileges.
  let noNewPrivileges: Bool
}

extension ThreadPrivileges {
  /// Reads the text of a status file.
  ///
  /// - Returns: nil if a field is missing or is not valid.
  init?(status: String) {
    var fields: [Substring: Substring] = [:]
    for line in status.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { return nil }
      fields[line[..<colon]] = line[line.index(after: colon)...]
    }
    func words(_ name: Substring) -> [Substring]? { fields[name]?.split(whereSeparator: \.isWhitespace) }
    func ids(_ name: Substring) -> [UInt32]? {
      guard let words = words(name) else { return nil }
      let numbers = words.compactMap { UInt32($0) }
      return numbers.count == words.count ? numbers : nil
    }
    func set(_ name: Substring) -> UInt64? { words(name)?.first.flatMap { UInt64($0, radix: 16) } }
    guard let users = ids("Uid"), users.count == 4, let groups = ids("Gid"), groups.count == 4,
      let supplementaryGroups = ids("Groups"), let inheritable = set("CapInh"), let permitted = set("CapPrm"),
      let effective = set("CapEff"), let bounding = set("CapBnd"), let ambient = set("CapAmb"),
      let noNewPrivileges = words("NoNewPrivs")?.first
    else { return nil }
    self.init(
      users: users, groups: groups, supplementaryGroups: supplementaryGroups, inheritable: inheritable,
      permitted: permitted, effective: effective, bounding: bounding, ambient: ambient,
      noNewPrivileges: noNewPrivileges == "1")
  }
}
