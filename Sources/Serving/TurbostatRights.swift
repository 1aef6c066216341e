internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// The rights that turbostat needs beyond the service's own.
public enum TurbostatRights {
  private static let node = "/dev/cpu/0/msr"

  /// Grants turbostat the limit on open files and the priority that it demands, while this process still may.
  ///
  /// - Returns: a sentence for each that could not be granted.
  public static func grant() -> [String] {
    var lacking: [String] = []
    let files = cmsr_turbostat_descriptors
    var error = cmsr_raise_hard_descriptor_limit(files)
    if error != 0 {
      lacking.append(
        "Cannot give turbostat the limit of \(files) open files that it demands (\(errorText(error))), so it may end at once. "
          + "Raise the hard limit (systemd: LimitNOFILE=\(files)), or grant CAP_SYS_RESOURCE.")
    }
    error = cmsr_grant_highest_priority()
    if error != 0 {
      lacking.append(
        "Cannot give turbostat the highest priority, which it demands (\(errorText(error))), so it may end at once. Allow it "
          + "(systemd: LimitNICE=-20), or grant CAP_SYS_NICE.")
    }
    return lacking
  }

  /// A sentence about the register node, if turbostat cannot read it with the rights that are left.
  static func complaint() -> String? {
    let descriptor = unsafe open(node, O_RDONLY | O_CLOEXEC)
    if descriptor >= 0 {
      close(descriptor)
      return nil
    }
    let reason = errno
    switch reason {
    case ENOENT: return "turbostat reads \(node), which does not exist; load the kernel's msr module: sudo modprobe msr"
    case EACCES:
      return
        "turbostat cannot read \(node), because its permissions do not allow it to user \(getuid()) (\(errorText(reason))); "
        + "give the file to a group of that user (chgrp, chmod g+r), or leave out --user."
    case EPERM:
      return
        "turbostat cannot read \(node) without CAP_SYS_RAWIO (\(errorText(reason))); start the service as root."
    default: return "turbostat cannot read \(node): \(errorText(reason))."
    }
  }
}
