import Foundation
import Logging
import PowerServer
import RAPL
import Synchronization

@testable import PowerSources

/// A source whose readings a test decides.
struct ScriptedSource: EnergySource {
  enum Behaviour {
    case good
    case failing
    case idle
    /// Loses energy at each reading.
    case resetting
  }

  final class Control: Sendable {
    let behaviour = Mutex(Behaviour.good)
    func become(_ new: Behaviour) { behaviour.withLock { $0 = new } }
    /// Counts that came on top of what the power gives.
    let burst = Mutex(UInt64(0))
    /// How many of the next readings are set aside.
    let oddReadings = Mutex(0)
    /// How long a reading takes.
    let readMicroseconds = Mutex(UInt32(0))
    /// When it was read, in monotonic nanoseconds.
    let reads = Mutex([Int64]())
    /// When its limits were read, in monotonic nanoseconds.
    let limitReads = Mutex([Int64]())
    /// How many of the reads asked for domains too.
    let domainReads = Mutex(0)
    let pulse = Mutex(ServerPulse?.none)
    let pulses = Mutex(0)
    /// When the latest pulse came, in monotonic nanoseconds, and what the server's thread had used by then.
    let cost = Mutex((time: Int64(0), thread: Int64(0)))
    var isAsleep: Bool { pulse.withLock { $0?.isAsleep ?? false } }
  }

  struct Unreadable: Error {}

  static let watts = 42.5
  let control: Control
  var limits: LimitsSource?
  var isSimulated = false
  var cpu: String? { nil }
  var summary: String { "a scripted source" }
  var longestIntervalSeconds: Double { 60 }
  /// As an AMD CPU's, if it is not nil.
  let longestCoreIntervalSeconds: Double?
  private let unit = EnergyUnit(joulesPerCount: 1 / 16_384)

  init(_ control: Control, isSimulated: Bool = false, longestCoreIntervalSeconds: Double? = nil) {
    self.longestCoreIntervalSeconds = longestCoreIntervalSeconds
    self.control = control
    self.isSimulated = isSimulated
    limits = LimitsSource(.msr, [ScriptedLimits(control: control)])
  }

  private var idleSince: UInt64?
  private var losses: UInt32 = 0

  mutating func read(domains: Bool) -> EnergySnapshot {
    usleep(control.readMicroseconds.withLock { $0 })
    let now = Int64(DispatchTime.now().uptimeNanoseconds)
    let counts = UInt64(Double(now) / 1e9 * Self.watts * 16_384) + control.burst.withLock { $0 }
    control.reads.withLock { $0.append(now) }
    if domains { control.domainReads.withLock { $0 += 1 } }
    let outcome: EnergyReading.Outcome
    let isOdd = control.oddReadings.withLock { left in
      defer { left = max(left - 1, 0) }
      return left > 0
    }
    switch control.behaviour.withLock({ $0 }) {
    case .good where isOdd: outcome = .read(.implausible)
    case .good:
      idleSince = nil
      outcome = .read(.advanced(1))
    case .failing: outcome = .failed(Unreadable())
    case .resetting:
      losses += 1
      outcome = .read(.reset)
    case .idle:
      idleSince = idleSince ?? counts
      outcome = .read(.idle)
    }
    let reading = EnergyReading(
      package: PackageID(package: 0), outcome: outcome, counts: idleSince ?? counts, unit: unit, losses: losses,
      monotonicNanoseconds: now)
    let core = EnergyReading(
      package: PackageID(package: 0), domain: .core, outcome: outcome, counts: (idleSince ?? counts) / 2, unit: unit,
      losses: losses, monotonicNanoseconds: now)
    let unix = Int64(Date.now.timeIntervalSince1970 * 1e9)
    return EnergySnapshot(readings: domains ? [reading, core] : [reading], unixNanoseconds: unix, asleepNanoseconds: 0)
  }
}

/// Limits that remember when they were read.
struct ScriptedLimits: PackageLimitsReader {
  static let limits = PackageLimits(
    limits: [
      PowerLimit(
        name: .pl1, watts: CheckedNumber(35), windowSeconds: CheckedNumber(28), isEnabled: true, isClamped: false,
        isLocked: true)
    ], tdpWatts: CheckedNumber(45))

  let control: ScriptedSource.Control

  func read() -> LimitsReading {
    let now = Int64(DispatchTime.now().uptimeNanoseconds)
    control.limitReads.withLock { $0.append(now) }
    return LimitsReading(
      package: PackageID(package: 0), limits: Self.limits, throttling: PackageThrottling(celsius: CheckedNumber(61)))
  }
}

/// A server in this process, on a socket of its own.
final class RunningServer {
  let control = ScriptedSource.Control()
  let path: String
  private let server: PowerServer
  private var isRunning = true

  init(
    interval: Double = 0.05, longestSleep: Double = 30, longestWakingWindow: Double = 10,
    behaviour: ScriptedSource.Behaviour = .good, isSimulated: Bool = false, trustedGroup: TrustedGroup? = nil,
    longestCoreInterval: Double? = nil, hasLimits: Bool = true, listener: ListeningSocket? = nil,
    changing: (inout ServerSettings) -> Void = { _ in }
  ) throws {
    path = listener?.path ?? ListeningSocket.newPath()
    control.become(behaviour)
    var source = ScriptedSource(
      control, isSimulated: isSimulated, longestCoreIntervalSeconds: longestCoreInterval)
    if !hasLimits { source.limits = nil }
    let begun = source.read()
    let socket =
      if let listener {
        try SocketFile.passed(dup(listener.descriptor))
      } else {
        try Peer.connecting { [path] in try SocketFile.bind(path, mode: 0o666, owner: nil) }
      }
    var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    var settings = ServerSettings(intervalSeconds: interval)
    settings.longestSleepSeconds = longestSleep
    settings.longestWakingWindowSeconds = longestWakingWindow
    settings.trustedGroup = trustedGroup
    changing(&settings)
    settings.onPulse = { [control] pulse in
      control.pulse.withLock { $0 = pulse }
      control.pulses.withLock { $0 += 1 }
      var used = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used)
      let now = Int64(DispatchTime.now().uptimeNanoseconds)
      let thread = Int64(used.tv_sec) * 1_000_000_000 + Int64(used.tv_nsec)
      control.cost.withLock { $0 = (now, thread) }
    }
    server = PowerServer(source: source, begun: begun, sockets: [socket], settings: settings, logger: logger)
    try server.start()
  }

  func stop() {
    if isRunning { server.stop() }
    isRunning = false
  }

  deinit { stop() }
}

/// A socket that is there before a server and after it, as a service manager keeps it.
final class ListeningSocket {
  let path = newPath()
  let descriptor: Int32

  init() throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0, listen(descriptor, 4096) == 0 else { throw TestFailure(description: "cannot listen: \(errno)") }
  }

  static func newPath() -> String {
    "/tmp/pkg-watt-stat-server-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
  }

  deinit {
    close(descriptor)
    unlink(path)
  }
}
