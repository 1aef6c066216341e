internal import CMSRShim
internal import RAPL
internal import Synchronization

/// Finds CPUs of a package that have come online since the start. All registers of the package share one search, so that each
/// node is opened once.
///
/// The topology, a few files for each CPU, is read once after each change of the list of online CPUs. A node may appear, or
/// become readable, a little later than its CPU, so a few more tries follow while none can be opened.
final class HotplugSearch: Sendable {
  /// The number of tries after a change, and the time between them, in nanoseconds.
  private static let mostTries = 10
  private static let tryNanoseconds: Int64 = 1_000_000_000

  /// CPUs, and the number by which a register knows whether it has them.
  typealias Found = (hotplugged: HotpluggedCPUs, generation: Int)

  private struct State {
    var online: [UInt8]?
    var triesLeft = 0
    var nextTry = Int64.min
    var generation = 0
    var hotplugged: HotpluggedCPUs?
    /// Why a CPU that came online cannot be used.
    var error: RegisterError?

    var found: Found? { hotplugged.map { ($0, generation) } }
  }

  private let id: PackageID
  private let state = Mutex(State())

  init(_ id: PackageID) { self.id = id }

  /// CPUs that a register does not know yet, and the generation in which they were found.
  ///
  /// - Parameters:
  ///   - generation: the generation of those that it knows; 0 for those of the start.
  ///   - known: the CPUs that it knows.
  ///   - registers: the registers among which others are found.
  /// - Returns: nil if there are none, or they were searched for already.
  /// - Throws: the reason why new ones cannot be opened.
  func hotplugged(
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
        if let error = state.error { throw error }
        return nil
      }
      state.triesLeft -= 1
      state.nextTry = now + Self.tryNanoseconds
      state.error = nil
      do throws(RegisterError) {
        guard let hotplugged = try registers.hotplugged(of: id, besides: known) else {
          state.triesLeft = 0
          return nil
        }
        state.triesLeft = 0
        state.hotplugged = hotplugged
        state.generation += 1
        return state.found
      } catch {
        state.error = error
        throw error
      }
    }
  }
}
