/// What is wrong with a trace.
public enum TraceError: Error, Equatable, Sendable {
  /// Its first line is not one of a trace.
  case noTrace
  /// It lacks its end.
  case cutOff
  /// A line that no trace has.
  case malformed(line: Int)
  /// A line whose time lies before that of the line above it.
  case backwards(line: Int)
  /// It holds no reading of any counter.
  case empty
  /// Its counters were read too seldom to be replayed.
  case sparse
  /// It has a counter twice.
  case twice(line: Int)
}

extension TraceError: CustomStringConvertible {
  /// The rest of a sentence that begins with its path.
  public var description: String {
    switch self {
    case .noTrace: "is no trace that this version knows"
    case .cutOff: "is cut off: its last line is missing"
    case .malformed(let line): "has a line that no trace has, line \(line)"
    case .backwards(let line): "has a clock that goes backwards, in line \(line)"
    case .empty: "holds no reading"
    case .sparse: "holds too few readings for its time"
    case .twice(let line): "has a counter for a second time, in line \(line)"
    }
  }
}
