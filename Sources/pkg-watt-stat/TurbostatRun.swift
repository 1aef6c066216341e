internal import Dispatch
internal import Turbostat

/// A turbostat that runs beside the main thread, until it is told to stop.
struct TurbostatRun {
  private let task: Task<Void, Never>
  private let ended = DispatchSemaphore(value: 0)

  /// Starts it.
  ///
  /// - Parameters:
  ///   - executor: where it runs. A child has the priority of the thread that starts it, and that of the default
  ///     executor's threads is not what `TurbostatRights` has granted.
  ///   - handle: called for each event on another thread, never twice at a time.
  init(
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
  func stop() {
    task.cancel()
    ended.wait()
  }
}
