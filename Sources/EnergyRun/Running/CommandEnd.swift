/// How a command ended.
public enum CommandEnd: Sendable, Equatable {
  /// By itself, with this exit code.
  case exited(Int32)
  /// Killed by this signal.
  case killed(signal: Int32)

  /// The exit code that passes it on, as shells do: 128 and the signal's number where one killed it.
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
