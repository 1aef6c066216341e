internal import Glibc
internal import SystemCalls
public import RAPL

/// Why the kernel's energy events cannot be used.
public enum EventError: Error, Equatable {
  /// The kernel has none.
  case absent(String)
  /// There is no event for packages.
  case noEvents(String)
  /// A file that describes them cannot be read.
  case unreadable(path: String, errno: Int32)
  /// A file that describes them does not contain what it should.
  case malformed(path: String, expected: String)
  /// The list of CPUs that count is empty.
  case noCPUs(String)
  /// The list of CPUs that count has one that is offline.
  case offline(String, cpu: Int)
  /// The list of CPUs that count has none of a package.
  case missing(String, PackageID)
  /// An event cannot be opened.
  case cannotOpen(name: String, cpu: Int, errno: Int32)
  /// The events of a package cannot be read.
  case cannotRead(PackageID, errno: Int32)
  /// The events of a package no longer count.
  case stopped(PackageID)
  /// The events of a package did not count for a while, in milliseconds.
  case paused(PackageID, milliseconds: Int64)

  /// Whether the kernel counts no energy at all: it has no PMU for this CPU, or one without events, as in virtual machines.
  package var isAbsence: Bool {
    switch self {
    case .absent, .noEvents: true
    default: false
    }
  }

  /// Whether energy was drawn that is in no count.
  var losesEnergy: Bool {
    switch self {
    case .stopped, .paused: true
    default: false
    }
  }

  /// The same with the paths that the files have on the machine, rather than in a copy of it.
  func showing(_ shown: (String) -> String) -> Self {
    switch self {
    case .absent(let path): .absent(shown(path))
    case .noEvents(let path): .noEvents(shown(path))
    case .unreadable(let path, let errno): .unreadable(path: shown(path), errno: errno)
    case .malformed(let path, let expected): .malformed(path: shown(path), expected: expected)
    case .noCPUs(let path): .noCPUs(shown(path))
    case .offline(let path, let cpu): .offline(shown(path), cpu: cpu)
    case .missing(let path, let id): .missing(shown(path), id)
    case .cannotOpen, .cannotRead, .stopped, .paused: self
    }
  }

  /// What failed, on what, and why.
  var reason: String {
    switch self {
    case .absent(let folder): "The kernel has no energy events: there is no \(folder)."
    case .noEvents(let folder): "\(folder) has no event energy-pkg, which counts a package's energy."
    case .unreadable(let path, let errno): "Cannot read \(path): \(fileErrorText(errno))."
    case .malformed(let path, let expected): "\(path) does not contain \(expected)."
    case .noCPUs(let path): "\(path) is empty, so no CPU counts energy events."
    case .offline(let path, let cpu): "\(path) has CPU \(cpu), which is not online."
    case .missing(let path, let id): "\(path) has no CPU of \(id), so its power would be missing from the sum."
    case .cannotOpen(let name, let cpu, let errno): "Cannot open the event \(name) on CPU \(cpu): \(Self.text(errno))."
    case .cannotRead(let id, let errno): "Cannot read the energy events of \(id): \(errorText(errno))."
    case .stopped(let id):
      "The energy events of \(id) are not counting (time_running stands still): its CPU went offline, or the kernel's module was unloaded."
    case .paused(let id, let milliseconds):
      "The energy events of \(id) did not count for \(milliseconds) ms (time_running), so energy is missing: the kernel has moved them to "
        + "another CPU, or counted other events in turn."
    }
  }

  /// What to do about it; nil if the reason tells, or nothing helps.
  var remedy: String? {
    switch self {
    case .absent: "sudo modprobe rapl (or intel_rapl_tpmi on the newest servers)"
    case .cannotOpen(_, _, EACCES):
      "run as root (sudo), or with CAP_PERFMON and a kernel.perf_event_paranoid of at most 2 (Debian's default is 3); the service's unit "
        + "needs the drop-in /usr/share/pkg-watt-stat/perf.conf."
    case .cannotOpen(_, _, EPERM):
      "allow the system call perf_event_open, as the drop-in /usr/share/pkg-watt-stat/perf.conf does for the unit, or run outside of the "
        + "container."
    case .cannotOpen(_, _, EMFILE), .cannotOpen(_, _, ENFILE): "raise the limit on open files (ulimit -n)."
    case .cannotOpen(_, _, ENODEV), .offline, .missing, .noCPUs, .stopped:
      "bring a CPU of each package online, and restart the service."
    case .cannotOpen: "measure the msr registers, or powercap."
    case .noEvents: "measure the msr registers, or powercap."
    case .malformed: "update the kernel, or measure the msr registers."
    case .unreadable: "mount /sys."
    case .cannotRead, .paused: nil
    }
  }

  private static func text(_ errno: Int32) -> String {
    switch errno {
    case EACCES: "the kernel does not allow it to this process (kernel.perf_event_paranoid)"
    case EPERM: "a system-call filter, a container or the kernel does not allow it (EPERM)"
    case EMFILE: "this process has too many open files"
    case ENODEV: "the CPU is offline, or has no such counter (ENODEV)"
    default: errorText(errno)
    }
  }
}
