internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// The signals that this process gets, taken one by one, so that none ends it before its report is written.
public struct CommandSignals: ~Copyable {
  /// The signal settings that a command starts with.
  let given: cmsr_command_signals
  private let owned: Descriptor

  /// From now on only signals that cannot be caught end this process.
  public init() throws(RunFailure) {
    given = cmsr_take_command_signals()
    guard given.error == 0 else { throw .noSignals(errno: given.error) }
    owned = Descriptor(owning: given.descriptor)
  }

  /// Readable once a signal has arrived.
  public var descriptor: Int32 { owned.number }

  /// Takes the next signal that has arrived, if any.
  func next() -> (number: Int32, isFromProcess: Bool)? {
    let signal = cmsr_next_signal(descriptor)
    return signal.number == 0 ? nil : (signal.number, signal.is_from_process != 0)
  }

  /// Waits for a signal.
  func wait() throws(RunFailure) {
    let error = cmsr_wait_readable(descriptor, -1, -1, -1)
    if error != 0 { throw .noSignals(errno: error) }
  }

  /// The first signal that asks this process to end, if one has arrived.
  public func ending() -> Int32? {
    while let signal = next() {
      if signal.number != SIGCHLD { return signal.number }
    }
    return nil
  }
}
