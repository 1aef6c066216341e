public import Formats
public import PowerProtocol

/// The service as an exporter asks it. Its functions block, and are called one at a time.
public protocol PowerService: Sendable {
  /// What it is and what is drawn now.
  func observe() throws -> Observation
  /// What was drawn in the latest so many seconds.
  func history(seconds: Int) throws -> HistoryReport
  /// Lets go of it, so that it may sleep.
  func disconnect()
}
