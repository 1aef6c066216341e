public import PowerClient
internal import RAPL

/// Why a command that has run was not measured.
public enum RunProblem: Error, Sendable, Equatable {
  /// The service went away, or said something else than samples.
  case service(ClientError)
  /// No fresh reading came after its end, for so many seconds: the service's own reason, if it gives one.
  case noReading(seconds: Double, reason: String?)
  /// A signal arrived after its end, while the last reading was waited for.
  case interrupted(signal: Int32)
}

extension RunProblem: CustomStringConvertible {
  /// What failed, and why.
  public var description: String {
    switch self {
    case .service(.closed(let path)): "The service at \(path) ended while the command ran, or was restarted."
    case .service(let error): "\(error)"
    case .interrupted(let signal): "Signal \(signal) arrived while the last reading was waited for."
    case .noReading(let seconds, let reason):
      "No fresh reading came in the \(Int(clamping: seconds.rounded())) s after the command's end"
        + (reason.map { ": \($0)" } ?? "; the service's log says why.")
    }
  }
}
