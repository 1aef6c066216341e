/// A value that a request may hold.
enum FlatValue: Equatable {
  case string(String)
  case number(Double)
  case boolean(Bool)
  /// null, which no request takes.
  case other
}
