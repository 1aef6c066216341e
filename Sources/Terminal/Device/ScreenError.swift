internal import SystemCalls

/// That what is to be shown cannot be.
public enum ScreenError: Error, Equatable {
  /// A terminal cannot be drawn on: an errno value.
  case cannotDraw(errno: Int32)
}

extension ScreenError: CustomStringConvertible {
  /// What failed, and what to do.
  public var description: String {
    switch self {
    case .cannotDraw(let errno): "Cannot draw on this terminal: \(errorText(errno)). Try it with --once, or in a pipe."
    }
  }
}
