/// What the rows of a table stand for.
public enum Grouping: String, Sendable, CaseIterable {
  /// A row for each process.
  case process
  /// A row for each systemd unit.
  case unit
  /// A row for each container and virtual machine.
  case container
  /// A row for each user.
  case user

  /// Whether the processes have to be read; else the cgroups' counters say everything.
  public var needsProcesses: Bool { self == .process || self == .user }
}

/// The identity of a row.
public enum RowID: Sendable, Hashable {
  /// A process: its number and its start, in microseconds since boot.
  case process(pid: Int, start: Int64)
  /// The unit with this path. In a table of processes: those of its processes that have ended.
  case unit(String)
  /// A container or virtual machine.
  case container(String)
  /// Everything that is in no container.
  case outside
  /// A user.
  case user(UInt32)
  /// Rows of earlier windows that have ended.
  case ended
  /// Processes that cannot be seen.
  case hidden
  /// Interrupts, and whatever else belongs to no row.
  case notAttributed
  /// What is drawn with nothing to do.
  case idle

  /// Whether it exists only as long as what it stands for.
  var canEnd: Bool {
    switch self {
    case .ended, .hidden, .notAttributed, .idle: false
    case .process, .unit, .container, .outside, .user: true
    }
  }
}

/// The CPU time of rows in a stretch of time.
public struct CPUUsage: Sendable {
  /// What is known of a row beside its time.
  public struct About: Sendable, Equatable {
    /// Its name: any characters.
    public var name: String
    /// The name of its unit; nil if it has none.
    public var unit: String?
    /// The row that its energy goes to once it has ended.
    public var heir = RowID.ended
  }

  /// The beginning, in nanoseconds of CLOCK_MONOTONIC.
  public var start: Int64
  /// The end, in nanoseconds of CLOCK_MONOTONIC.
  public var end: Int64
  /// Microseconds of CPU time. A row without any may be missing.
  public var rows: [RowID: Int64]
  /// The rows that exist at the end.
  public var live: [RowID: About]
}
