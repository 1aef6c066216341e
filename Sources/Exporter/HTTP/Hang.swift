internal import NIOCore
internal import Synchronization

/// Remembers that a question to the service timed out. Questions are asked one at a time, so anyone who asked before the timeout
/// has waited for it too, and gets the same error instead of waiting again: a scraper would not wait that long.
final class Hang: Sendable {
  private let shortest: TimeAmount
  private let latest = Mutex<(error: any Error, time: NIODeadline)?>(nil)

  /// - Parameter shortest: a question that fails sooner does not affect the others.
  init(shortest: TimeAmount) {
    self.shortest = shortest
  }

  /// Asks, unless another question timed out since this one began to wait.
  func ask<Value>(since wanted: NIODeadline, _ question: () throws -> Value) throws -> Value {
    if let failure = latest.withLock({ $0 }), failure.time >= wanted { throw failure.error }
    let begin = NIODeadline.now()
    do {
      return try question()
    } catch {
      let now = NIODeadline.now()
      if now - begin >= shortest { latest.withLock { $0 = (error, now) } }
      throw error
    }
  }
}
