internal import Dispatch

/// A turbostat that runs beside the calling thread, until it is stopped.
public struct TurbostatRun: Sendable {
  private let task: Task<Void, Never>
  private let ended = DispatchSemaphore(value: 0)

  /// Starts it.
  ///
  /// - Parameters:
  ///   - executor: where it runs. A child has the priority of the thread that starts it, which turbostat must be able to raise
  ///     to the highest; the default executor's threads always have the ordinary one.
  ///   - handle: called for each event on another thread, never twice at a time.
  public init(
    _ turbostat: Turbostat, on executor: (any TaskExecutor)? = nil,
    _ handle: @escaping @Sendable (TurbostatEvent) -> Void
  ) {
    let ended = ended
    task = Task.detached(executorPreference: executor) {
      await turbostat.run(handle)
      ended.signal()
    }
  }

  /// Ends it, and waits until it has ended.
  public func stop() {
    task.cancel()
    ended.wait()
  }
}
