/// Splits a whole number into whole parts that add up to it, in proportion to weights.
///
/// The method of largest remainders: each part is first rounded down, and what is left is given, one by one, to the parts that
/// lost most by that. So each part differs from its exact share by less than 1. The products have 128 bits and cannot overflow.
///
/// - Parameters:
///   - total: 0 or more; less counts as 0.
///   - weights: 0 or more; less counts as 0.
/// - Returns: the parts, in the order of the weights; nil if every weight is 0.
public func apportion(_ total: Int64, by weights: [Int64]) -> [Int64]? {
  let weights = weights.map { UInt128(max($0, 0)) }
  let sum = weights.reduce(0, +)
  guard sum > 0 else { return nil }
  let total = UInt128(max(total, 0))
  var parts: [Int64] = []
  var remainders: [(place: Int, remainder: UInt128)] = []
  for (place, weight) in weights.enumerated() {
    let (part, remainder) = (total * weight).quotientAndRemainder(dividingBy: sum)
    // No more than the total, which is an Int64.
    parts.append(Int64(part))
    if remainder > 0 { remainders.append((place, remainder)) }
  }
  var left = Int64(total) - parts.reduce(0, +)
  for (place, _) in remainders.sorted(by: { ($1.remainder, $0.place) < ($0.remainder, $1.place) }) {
    guard left > 0 else { break }
    parts[place] += 1
    left -= 1
  }
  return parts
}
