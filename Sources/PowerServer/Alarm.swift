internal import NIOCore

/// Does the same thing each time the set time has come. Lives on the event loop.
///
/// NIO's scheduled tasks make a promise, a future and closures each time, which costs more instructions than a sample.
final class Alarm: NIOScheduledCallbackHandler, Sendable {
  private let eventLoop: any EventLoop
  private let ring: NIOLoopBound<() -> Void>
  private let pending: NIOLoopBoundBox<NIOScheduledCallback?>

  init(on eventLoop: any EventLoop, _ ring: @escaping () -> Void) {
    self.eventLoop = eventLoop
    self.ring = NIOLoopBound(ring, eventLoop: eventLoop)
    pending = NIOLoopBoundBox(nil, eventLoop: eventLoop)
  }

  /// Sets the time in monotonic nanoseconds, instead of the one before.
  func set(at time: Int64) {
    cancel()
    do {
      let deadline = NIODeadline.uptimeNanoseconds(UInt64(max(time, 0)))
      pending.value = try eventLoop.scheduleCallback(at: deadline, handler: self)
    } catch {
      // The event loop has ended, so there is nothing more to do.
    }
  }

  func cancel() {
    pending.value?.cancel()
    pending.value = nil
  }

  func handleScheduledCallback(eventLoop: some EventLoop) {
    pending.value = nil
    ring.value()
  }
}
