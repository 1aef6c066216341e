/// How a run of turbostat ended.
public enum TurbostatEnd: Error, Equatable {
  /// It ended by itself with this exit code.
  case exited(Int32)
  /// A signal ended it.
  case killed(signal: Int32)
  /// No table came for so many seconds, so it was ended.
  case silent(seconds: Double)
  /// Its tables lack something, and the next ones will.
  case useless(TurbostatRejection)
  /// It could not be started, and what the system says.
  case notStarted(String)
}

extension TurbostatEnd: CustomStringConvertible {
  /// One sentence.
  public var description: String {
    switch self {
    case .exited(let code): "turbostat ended by itself with exit code \(code)."
    case .killed(let signal): "turbostat was ended by signal \(signal)."
    case .silent(let seconds): "turbostat gave no reading for \(seconds) s and was ended."
    case .useless(let rejection): "\(rejection)"
    case .notStarted(let reason): "turbostat could not be started: \(reason)."
    }
  }
}
