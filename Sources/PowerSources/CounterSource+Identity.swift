internal import RAPL

extension CounterSource {
  /// Leaves out the packages whose counter is an earlier one's, which is then bounded by what all of them may draw.
  ///
  /// - Returns: whose they were.
  static func leaveOutRepeated(
    _ packages: inout [CounterMeter], _ log: SourceLog
  ) throws(SourceError) -> Set<PackageID> {
    let firsts = try CounterIdentity.firsts(&packages)
    var repeated: Set<PackageID> = []
    for index in firsts.indices where firsts[index] != index {
      let (first, other) = (firsts[index], packages[index])
      packages[first].addBound(of: other)
      repeated.insert(other.package)
      log("\(other.package) shows the energy counter of \(packages[first].package) again, so it is not read.")
    }
    packages.removeAll { repeated.contains($0.package) }
    return repeated
  }
}
