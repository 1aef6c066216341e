internal import CMSRShim
internal import Glibc

/// The journal, where the service manager reads stderr.
public enum Journal {
  /// Whether stderr is the journal's: then each line may begin with its priority, as sd-daemon(3) has it.
  public static let readsStderr: Bool = {
    let numbers = (variable("JOURNAL_STREAM") ?? "").split(separator: ":").map { UInt64($0) }
    guard numbers.count == 2, let device = numbers[0], let inode = numbers[1] else { return false }
    return cmsr_is_file(STDERR_FILENO, device, inode) == 1
  }()
}
