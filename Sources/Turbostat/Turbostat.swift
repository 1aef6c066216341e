internal import CMSRShim
internal import Dispatch
internal import RAPL
internal import Subprocess
internal import SystemPackage

/// turbostat as a child process: started, read, ended, and started again when it has died or fallen silent.
public struct Turbostat: Sendable {
  /// How long a start may take beyond its first interval, and a reading beyond its own, in seconds.
  private static let slackSeconds = 5.0
  /// How many intervals without a reading count as silence.
  private static let silentIntervals = 2.5
  private static let longestRestartSeconds = 60.0
  /// How long it has to end properly, before it is killed.
  private static let endingTime = Duration.milliseconds(500)

  /// How long reading its remaining output may take.
  private static let lookingTime = Duration.milliseconds(250)

  /// The program.
  public let executable: String
  /// The time between readings, in seconds.
  public let intervalSeconds: Double
  /// Further options for it.
  public let options: [String]

  /// The option that makes it read the registers themselves, although the kernel has energy events for them. Versions before 2024
  /// do not have it, and read nothing else.
  public static let withoutEvents = "--no-perf"

  /// A turbostat that is not running yet.
  public init(executable: String, intervalSeconds: Double, options: [String] = []) {
    self.executable = executable
    self.intervalSeconds = intervalSeconds
    self.options = options
  }

  /// Runs it, again and again with growing pauses, until the task is cancelled; its last child has ended by then.
  ///
  /// - Parameter handle: called for each event, never twice at a time.
  public func run(_ handle: @escaping @Sendable (TurbostatEvent) -> Void) async {
    var pause = 1.0
    while !Task.isCancelled {
      let reader = TurbostatReader(intervalSeconds: intervalSeconds, handle)
      let end = await runOnce(reader)
      if Task.isCancelled { return }
      if reader.hasRead { pause = 1 }
      reader.ended(end, restartSeconds: pause)
      // If the task is cancelled, there is no pause.
      try? await Task.sleep(for: .seconds(pause))
      pause = min(pause * 2, Self.longestRestartSeconds)
    }
  }

  private var arguments: Arguments {
    let columns = TurbostatColumns.places + TurbostatColumns.domains.map(\.name) + [TurbostatColumns.time]
    return Arguments(
      options + [
        "--quiet", "--interval", "\(intervalSeconds)", "--cpu", "package", "--show", columns.joined(separator: ","),
      ])
  }

  /// A process group of its own, so that any wrapper between us and turbostat ends with it.
  private var platformOptions: PlatformOptions {
    var options = PlatformOptions()
    options.processGroupID = 0
    options.teardownSequence = [.gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: Self.endingTime)]
    return options
  }

  /// How long it may be silent, from its start or between tables, before it is ended and started again, in seconds.
  public var longestSilenceSeconds: Double { intervalSeconds * Self.silentIntervals + Self.slackSeconds }

  private func runOnce(_ reader: TurbostatReader) async -> TurbostatEnd {
    let silence = longestSilenceSeconds
    do {
      let result = try await Subprocess.run(
        .path(FilePath(executable)), arguments: arguments, environment: .inherit.updating(["LC_ALL": "C"]),
        platformOptions: platformOptions, input: .none, output: .sequence, error: .sequence
      ) { child in
        // Whichever comes first: both streams ended, or nothing was read for too long.
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { try await Self.watch(reader, silence: silence) }
          group.addTask {
            async let errors: Void = Self.forward(child.standardError, reader.take(errors:))
            try await Self.forward(child.standardOutput, reader.take(output:))
            try await errors
          }
          try await group.next()
          group.cancelAll()
        }
      }
      return switch result.terminationStatus {
      case .exited(let code): .exited(code)
      case .signaled(let signal): .killed(signal: signal)
      }
    } catch let silent as Silent {
      return .silent(seconds: silent.seconds)
    } catch {
      return .notStarted("\(error)")
    }
  }

  private static func forward(
    _ stream: SubprocessOutputSequence, _ take: @Sendable ([UInt8]) -> Void
  ) async throws {
    for try await chunk in stream { take(unsafe chunk.withUnsafeBytes { unsafe Array($0) }) }
  }

  private struct Silent: Error {
    let seconds: Double
  }

  /// Throws once nothing was read for too long.
  private static func watch(_ reader: TurbostatReader, silence: Double) async throws {
    while true {
      var quiet = reader.secondsSinceReading
      if quiet >= silence {
        // This process may itself have been stopped that long, so output that has arrived is read first.
        try await Task.sleep(for: Self.lookingTime)
        quiet = reader.secondsSinceReading
      }
      if quiet >= silence { throw Silent(seconds: silence) }
      try await Task.sleep(for: .seconds(silence - quiet))
    }
  }
}

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
