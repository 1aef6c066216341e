internal import CMSRShim
internal import RAPL
internal import Synchronization

/// Looks for CPUs of a package that have come online since the start. All registers of the package share one search, so
/// that each node is opened once.
///
/// The topology, a few files for each CPU, is read once after each change of the list of CPUs that are online. A node may
/// come, or be permitted, a little later than its CPU: as long as none can be opened, a few more tries follow.
final class NewcomerSearch: Sendable {
  /// How many tries a change is worth, and how far apart they are, in nanoseconds.
  private static let mostTries = 10
  private static let tryNanoseconds: Int64 = 1_000_000_000

  /// CPUs, and the number by which a register knows whether it has them.
  typealias Found = (newcomers: Newcomers, generation: Int)

  private struct State {
    var online: [UInt8]?
    var triesLeft = 0
    var nextTry = Int64.min
    var generation = 0
    var newcomers: Newcomers?
    /// Why a CPU that has come online is of no use.
    var lack: RegisterError?

    var found: Found? { newcomers.map { ($0, generation) } }
  }

  private let id: PackageID
  private let state = Mutex(State())

  init(_ id: PackageID) { self.id = id }

  /// CPUs that are not among those that a register knows, and what they were found as.
  ///
  /// - Parameters:
  ///   - generation: what the ones that it knows were found as; 0 for those of the start.
  ///   - known: the CPUs that it knows.
  ///   - registers: where others are found.
  /// - Returns: nil if there are none, or they were looked for already.
  /// - Throws: why those that have come cannot be opened.
  func newcomers(
    after generation: Int, besides known: [Int], through registers: any RegisterFile
  ) throws(RegisterError) -> Found? {
    try state.withLock { state throws(RegisterError) -> Found? in
      if state.generation > generation { return state.found }
      guard let online = registers.onlineCPUs() else { return nil }
      let now = cmsr_monotonic_nanoseconds()
      if online != state.online {
        state.online = online
        state.triesLeft = Self.mostTries
        state.nextTry = now
      }
      guard state.triesLeft > 0, now >= state.nextTry else {
        if let lack = state.lack { throw lack }
        return nil
      }
      state.triesLeft -= 1
      state.nextTry = now + Self.tryNanoseconds
      state.lack = nil
      do throws(RegisterError) {
        guard let newcomers = try registers.newcomers(of: id, besides: known) else {
          state.triesLeft = 0
          return nil
        }
        state.triesLeft = 0
        state.newcomers = newcomers
        state.generation += 1
        return state.found
      } catch {
        state.lack = error
        throw error
      }
    }
  }
}
