internal import CMSRShim
public import Formats
public import PowerClient
public import PowerProtocol
internal import Synchronization

/// The service as the exporter asks it: over one connection, which is made when it is needed, and again if the service was
/// restarted.
public final class ServiceReader: PowerService {
  /// A connection, and the service's description of itself.
  private struct Session: ~Copyable {
    var connection: PowerConnection
    let info: ServiceInfo

    /// - Throws: `TooTrusted` if the exporter would pass on finer readings than everyone may know; else `ClientError`.
    init(_ address: ServiceAddress, interrupt: Int32, until end: Int64) throws {
      var connection = try address.connectTrusting(interrupt: interrupt)
      connection.endNanoseconds = end
      let info = try connection.info()
      guard !info.policy.isTrusted else { throw TooTrusted(group: info.policy.trustedGroup) }
      // Samples are asked for one by one.
      try connection.send(.unsubscribe)
      self.connection = connection
      self.info = info
    }
  }

  private let address: ServiceAddress
  private let interrupt: Int32
  private let units: UnitReader?
  private let session = Mutex<Session?>(nil)
  /// How long one answer may take in all, in nanoseconds: an HTTP client is waiting for it.
  private static let patience: Int64 = 5_000_000_000

  /// A service at an address.
  ///
  /// - Parameters:
  ///   - interrupt: a descriptor that ends every wait for the service once it is readable.
  ///   - units: who tells the energy of units; nil if nobody does.
  public init(_ address: ServiceAddress, interrupt: Int32, units: UnitReader? = nil) {
    (self.address, self.interrupt, self.units) = (address, interrupt, units)
  }

  /// The service's description, its latest sample, and the energy of units if it is wanted.
  public func observe(units wantsUnits: Bool) throws -> Observation {
    let units = wantsUnits ? units : nil
    var (observation, past) = try ask { session throws(ClientError) in
      let past = try units.flatMap { (units) throws(ClientError) in
        units.wantsHistory ? try session.connection.pastDay() : nil
      }
      return (Observation(info: session.info, sample: try session.connection.sample()), past)
    }
    observation.units = units?.take(observation.sample, past: past)
    return observation
  }

  /// The power of the latest seconds, this many.
  public func history(seconds: Int) throws -> HistoryReport {
    try ask { session throws(ClientError) in try session.connection.history(seconds: seconds) }
  }

  /// Closes the connection.
  public func disconnect() {
    session.withLock { $0 = nil }
  }

  private func ask<Value: Sendable>(
    _ question: (inout Session) throws(ClientError) -> Value
  ) throws -> Value {
    try session.withLock { session in
      let end = cmsr_monotonic_nanoseconds() + Self.patience
      // A connection that was kept may have ended in the meantime.
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
      var fresh = try Session(address, interrupt: interrupt, until: end)
      let value = try question(&fresh)
      session = consume fresh
      return value
    }
  }
}

/// The service gives this user finer readings than everyone may know.
struct TooTrusted: Error, Equatable, CustomStringConvertible {
  /// The group whose members get them; nil if only root does.
  let group: String?

  var description: String {
    "The service gives this user finer readings than everyone may know, and the exporter would pass them on to anyone who "
      + "connects; run it as a user who is not root" + (group.map { " and not in the group \($0)." } ?? ".")
  }
}
