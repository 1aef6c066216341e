internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// What turbostat needs beyond the service's own rights.
public enum TurbostatRights {
  private static let node = "/dev/cpu/0/msr"

  /// Grants turbostat the limit on open files and the priority that it insists on, while this process may.
  ///
  /// - Returns: what is lacking, each a sentence.
  public static func grant() -> [String] {
    var lacking: [String] = []
    let files = cmsr_turbostat_descriptors
    var error = cmsr_raise_hard_descriptor_limit(files)
    if error != 0 {
      lacking.append(
        "turbostat insists on a limit of \(files) open files, which this process may not grant (\(errorText(error))); it may "
          + "end at once. Raise the hard limit (systemd: LimitNOFILE=\(files)), or grant CAP_SYS_RESOURCE.")
    }
    error = cmsr_grant_highest_priority()
    if error != 0 {
      lacking.append(
        "turbostat insists on the highest priority, which this process may not grant (\(errorText(error))); it may end at "
          + "once. Allow it (systemd: LimitNICE=-20), or grant CAP_SYS_NICE.")
    }
    return lacking
  }

  /// Which file turbostat will not be able to read with the rights that are left, as a sentence.
  static func complaint() -> String? {
    let descriptor = unsafe open(node, O_RDONLY | O_CLOEXEC)
    if descriptor >= 0 {
      close(descriptor)
      return nil
    }
    let reason = errno
    switch reason {
    case ENOENT: return "There is no \(node), which turbostat reads; load the kernel's msr module: sudo modprobe msr"
    case EACCES:
      return
        "turbostat lacks the right to read \(node) as user \(getuid()) (\(errorText(reason))): the node's permissions "
        + "do not allow it; give it to a group of that user (chgrp, chmod g+r), or leave out --user."
    case EPERM:
      return
        "turbostat lacks CAP_SYS_RAWIO, which reading \(node) takes (\(errorText(reason))); start the service as root."
    default: return "turbostat will not be able to read \(node): \(errorText(reason))."
    }
  }
}
