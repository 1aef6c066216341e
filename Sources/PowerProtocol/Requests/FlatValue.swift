/// A value that a request may hold.
enum FlatValue: Equatable {
  case string(String)
  case number(Double)
  /// true, false or null, which no request takes.
  case other
}
