internal import CMSRShim
internal import Exporter
internal import Formats
internal import PowerClient
internal import PowerProtocol
internal import Synchronization

/// The service as the exporter asks it: by one connection, which is made when it is needed, and made anew where the
/// service was restarted.
final class ServiceReader: PowerService {
  /// A connection, and what the service said of itself on it.
  private struct Session: ~Copyable {
    var connection: PowerConnection
    let info: ServiceInfo

    /// - Throws: `ExporterError.trusted` where everybody would get to know what this user may; else `ClientError`.
    init(_ options: ClientOptions, caller: UInt32, interrupt: Int32, until end: Int64) throws {
      var connection = try options.connectTrusting(caller: caller, interrupt: interrupt)
      connection.endNanoseconds = end
      let info = try connection.info()
      guard !info.policy.isTrusted else { throw ExporterError.trusted(group: info.policy.trustedGroup) }
      // It is asked for what is wanted.
      try connection.send(.unsubscribe)
      self.connection = connection
      self.info = info
    }
  }

  private let options: ClientOptions
  private let caller: UInt32
  private let interrupt: Int32
  private let session = Mutex<Session?>(nil)
  /// All that the service is asked for one answer takes no longer, in nanoseconds: somebody waits for it.
  private static let patience: Int64 = 5_000_000_000

  /// - Parameters:
  ///   - caller: the number of the user who started this process: it may have become another since.
  ///   - interrupt: a descriptor that ends every wait for the service once it is readable.
  init(_ options: ClientOptions, caller: UInt32, interrupt: Int32) {
    self.options = options
    self.caller = caller
    self.interrupt = interrupt
  }

  func observe() throws -> Observation {
    try ask { session throws(ClientError) in
      Observation(info: session.info, sample: try session.connection.sample())
    }
  }

  func history(seconds: Int) throws -> HistoryReport {
    try ask { session throws(ClientError) in try session.connection.history(seconds: seconds) }
  }

  func disconnect() {
    session.withLock { $0 = nil }
  }

  private func ask<Value: Sendable>(
    _ question: (inout Session) throws(ClientError) -> Value
  ) throws -> Value {
    try session.withLock { session in
      let end = cmsr_monotonic_nanoseconds() + Self.patience
      // Only one that was kept may have ended meanwhile.
      if var kept = session.take() {
        kept.connection.endNanoseconds = end
        do throws(ClientError) {
          let value = try question(&kept)
          session = consume kept
          return value
        } catch {
          switch error {
          case .closed, .noReading, .failed: break
          default: throw error
          }
        }
      }
      var fresh = try Session(options, caller: caller, interrupt: interrupt, until: end)
      let value = try question(&fresh)
      session = consume fresh
      return value
    }
  }
}

/// Why an exporter does not serve.
enum ExporterError: Error, Equatable, CustomStringConvertible {
  /// The service gives this user more than everybody may know.
  case trusted(group: String?)
  /// A step of the start.
  case limits
  /// There is no user to become.
  case noUser(String)

  var description: String {
    switch self {
    case .trusted(let group):
      "The service tells this user more than everybody may know, and the exporter would tell everybody who reaches it; "
        + "run it as a user who is not root" + (group.map { " and not in the group \($0)." } ?? ".")
    case .limits: "The exporter cannot take signals as it must."
    case .noUser(let name):
      "There is no user \(name) to become in place of root; run the exporter as an ordinary user."
    }
  }
}
