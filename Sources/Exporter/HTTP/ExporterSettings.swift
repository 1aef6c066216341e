internal import NIOCore
internal import RAPL

/// What bounds an exporter.
public struct ExporterSettings: Sendable {
  /// This program's version.
  public var version: String
  /// How many connections are served at a time. One more takes the place of the one that has been idle longest.
  public var mostConnections = 64
  /// How long a request may take to arrive, and an answer to be made and taken, in seconds.
  public var patienceSeconds = 10.0
  /// How long the connection to the service is kept after the latest request, in seconds: a page that shows each second
  /// needs one, a scrape each 15 s does not keep the service awake.
  public var keepSeconds = 3.0

  /// The usual bounds.
  public init(version: String) {
    self.version = version
  }

  var patience: TimeAmount { .nanoseconds(Int64(nanosecondsIn: patienceSeconds)) }
  var keep: TimeAmount { .nanoseconds(Int64(nanosecondsIn: keepSeconds)) }
}
