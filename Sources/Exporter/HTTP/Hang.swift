internal import NIOCore
internal import Synchronization

/// That a service did not answer in time. Questions are asked one at a time, so whoever asked before one was given up has
/// waited for it too, and is told the same instead of waiting as long once more: a scraper would not wait for that.
final class Hang: Sendable {
  private struct Failure {
    let error: any Error
    let time: NIODeadline
  }

  private let shortest: TimeAmount
  private let latest = Mutex<Failure?>(nil)

  /// - Parameter shortest: a question that fails sooner tells nothing of the others.
  init(shortest: TimeAmount) {
    self.shortest = shortest
  }

  /// Asks, unless one was given up since it was wanted.
  func ask<Value>(since wanted: NIODeadline, _ question: () throws -> Value) throws -> Value {
    if let failure = latest.withLock({ $0 }), failure.time >= wanted { throw failure.error }
    let begin = NIODeadline.now()
    do {
      return try question()
    } catch {
      let now = NIODeadline.now()
      if now - begin >= shortest { latest.withLock { $0 = Failure(error: error, time: now) } }
      throw error
    }
  }
}
