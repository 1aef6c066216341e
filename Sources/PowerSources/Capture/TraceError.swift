/// What is wrong with a trace.
public enum TraceError: Error, Equatable, Sendable {
  /// Its first line is not that of a trace.
  case noTrace
  /// Its last line is missing.
  case cutOff
  /// A line that is not valid.
  case malformed(line: Int)
  /// A line with a time before that of the line above.
  case backwards(line: Int)
  /// It has no reading of any counter.
  case empty
  /// Its counters were not read often enough for a replay.
  case sparse
  /// It has a counter twice.
  case twice(line: Int)
}

extension TraceError: CustomStringConvertible {
  /// The reason, as the rest of a sentence that begins with the path.
  public var description: String {
    switch self {
    case .noTrace: "is not a trace that this version can read"
    case .cutOff: "is cut off: its last line is missing"
    case .malformed(let line): "has an invalid line, line \(line)"
    case .backwards(let line): "has a time before that of the line above, in line \(line)"
    case .empty: "has no readings"
    case .sparse: "has too few readings for its length"
    case .twice(let line): "has the same counter twice, in line \(line)"
    }
  }
}
