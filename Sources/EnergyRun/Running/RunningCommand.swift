internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// A command that was started, with this process's own terminal, group and descriptors.
struct RunningCommand {
  /// Just before it was started, by CLOCK_MONOTONIC, in seconds.
  let startSeconds: Double
  private let process: pid_t

  /// Starts a command.
  init(_ words: CommandWords, _ signals: borrowing CommandSignals) throws(RunFailure) {
    let command = unsafe cmsr_start_command(words.bytes, words.count, signals.given)
    guard command.error == 0 else { throw .noProcess(errno: command.error) }
    guard command.exec_error == 0 else { throw .cannotRun(words.error(command.exec_error)) }
    process = command.process
    startSeconds = Double(command.started_nanoseconds) / 1e9
  }

  /// Passes on the signals that have arrived, and returns how the command ended, or nil if it still runs.
  ///
  /// Ctrl-C and Ctrl-\ go to every process of the terminal's foreground group, so the command has them already.
  func attend(_ signals: borrowing CommandSignals) throws(RunFailure) -> CommandEnd? {
    while let signal = signals.next() {
      switch signal.number {
      case SIGCHLD: continue
      case SIGINT, SIGQUIT: if signal.isFromProcess { kill(process, signal.number) }
      default: kill(process, signal.number)
      }
    }
    let end = cmsr_command_ended(process)
    guard end.error == 0 else { throw .lost(errno: end.error) }
    guard end.has_ended != 0 else { return nil }
    return end.signal == 0 ? .exited(end.exit_code) : .killed(signal: end.signal)
  }
}

/// How a command ended.
public enum CommandEnd: Sendable, Equatable {
  /// By itself, with this exit code.
  case exited(Int32)
  /// Killed by this signal.
  case killed(signal: Int32)

  /// The exit code that passes it on, as shells do: 128 plus the signal's number if a signal killed it.
  public var exitCode: Int32 {
    switch self {
    case .exited(let code): code
    case .killed(let signal): 128 + signal
    }
  }
}

extension CommandEnd: CustomStringConvertible {
  /// "exit code 0", or "killed by signal 9".
  public var description: String {
    switch self {
    case .exited(let code): "exit code \(code)"
    case .killed(let signal): "killed by signal \(signal)"
    }
  }
}
