internal import Glibc

extension EventError {
  /// What to do about it on a machine of which more is known; nil if the reason tells, or nothing helps.
  func remedy(_ circumstances: Circumstances) -> String? {
    switch self {
    case .absent where circumstances.isVirtual == true, .noEvents where circumstances.isVirtual == true,
      .malformed where circumstances.isVirtual == true, .noCPUs where circumstances.isVirtual == true:
      "measure on the physical machine."
    case .absent:
      (circumstances.isInContainer ? "on the container's host: " : "") + "sudo modprobe \(circumstances.eventModule)"
    case .cannotOpen(_, _, EACCES) where circumstances.isNamespaceRoot,
      .cannotOpen(_, _, EPERM) where circumstances.isNamespaceRoot:
      "run the service outside of the user namespace, as the machine's root."
    case .cannotOpen(_, _, EACCES) where circumstances.isInContainer,
      .cannotOpen(_, _, EPERM) where circumstances.isInContainer:
      "run the service on the container's host, or give the container --cap-add PERFMON and a seccomp profile that allows "
        + "perf_event_open."
    default: remedy
    }
  }
}
