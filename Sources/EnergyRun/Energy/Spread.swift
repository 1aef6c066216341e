internal import Glibc

/// Mean, standard deviation and highest of numbers, one after the other (Welford's way).
public struct Spread: Sendable, Equatable {
  /// How many numbers there are.
  public private(set) var count = 0
  /// Their mean; 0 without any.
  public private(set) var mean = 0.0
  /// The highest; -infinity without any.
  public private(set) var highest = -Double.infinity
  private var squares = 0.0

  /// No numbers yet.
  public init() {}

  /// These numbers.
  public init(_ numbers: some Sequence<Double>) {
    for number in numbers { add(number) }
  }

  /// Takes in a number.
  public mutating func add(_ number: Double) {
    count += 1
    let before = number - mean
    mean += before / Double(count)
    squares += before * (number - mean)
    highest = max(highest, number)
  }

  /// The sample's standard deviation; nil for fewer than two numbers.
  public var deviation: Double? { count < 2 ? nil : (squares / Double(count - 1)).squareRoot() }
}
