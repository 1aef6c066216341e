/// The CPU time that a machine's processes and cgroups had used by one moment.
public struct CPUSnapshot: Sendable {
  /// A process.
  public struct Process: Sendable, Equatable {
    /// Its number. The kernel gives it to another process later.
    public var pid: Int
    /// When it started, in microseconds since boot: with the number, it tells processes apart.
    public var start: Int64
    /// Its name, as the kernel tells it: any characters.
    public var name: String
    /// The CPU time of all its threads, in microseconds.
    public var microseconds: Int64
    /// Its user's number; nil if it was not read.
    public var user: UInt32?
    /// Its cgroup's path; nil if it is not known.
    public var cgroup: String?

    /// A process.
    public init(
      pid: Int, start: Int64, name: String, microseconds: Int64, user: UInt32? = nil, cgroup: String? = nil
    ) {
      (self.pid, self.start, self.name, self.microseconds) = (pid, start, name, microseconds)
      (self.user, self.cgroup) = (user, cgroup)
    }
  }

  /// A cgroup of version 2 other than the root.
  public struct Cgroup: Sendable, Equatable {
    /// Its folder's inode number: it tells apart two cgroups that had the same path one after the other.
    public var inode: UInt64
    /// Its path below the root: "/system.slice/nginx.service".
    public var path: String
    /// The CPU time of all processes that were ever in it or below it, in microseconds.
    public var microseconds: Int64

    /// A cgroup.
    public init(inode: UInt64, path: String, microseconds: Int64) {
      (self.inode, self.path, self.microseconds) = (inode, path, microseconds)
    }
  }

  /// The moment, in nanoseconds of CLOCK_MONOTONIC.
  public var monotonicNanoseconds: Int64
  /// The same moment in microseconds since boot, time asleep included.
  public var bootMicroseconds: Int64
  /// The CPU time that the machine has spent on anything, interrupts included, in microseconds.
  public var busyMicroseconds: Int64
  /// How many CPUs are online; at least 1.
  public var cpus: Int
  /// The processes; nil if they were not read.
  public var processes: [Process]?
  /// The cgroups; nil without cgroups of version 2, or if they were not read.
  public var cgroups: [Cgroup]?
  /// Whether some processes cannot be seen.
  public var hidesProcesses: Bool

  /// A snapshot.
  public init(
    monotonicNanoseconds: Int64, bootMicroseconds: Int64, busyMicroseconds: Int64, cpus: Int,
    processes: [Process]?, cgroups: [Cgroup]?, hidesProcesses: Bool = false
  ) {
    self.monotonicNanoseconds = monotonicNanoseconds
    self.bootMicroseconds = bootMicroseconds
    self.busyMicroseconds = busyMicroseconds
    self.cpus = max(cpus, 1)
    self.processes = processes
    self.cgroups = cgroups
    self.hidesProcesses = hidesProcesses
  }
}
