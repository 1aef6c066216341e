internal import Powercap
internal import PowerProtocol
internal import RAPL

/// What the two threads share: the thread that answers the kernel, and the one that follows the service.
struct TreeState {
  /// How the service is.
  enum Service: Equatable {
    /// Nobody reads, so there is no connection.
    case unread
    /// There is a connection, or one is being made.
    case followed
    /// It could not be reached. It is tried again for the first reader after this time, by CLOCK_MONOTONIC in seconds.
    case away(until: Double)
  }

  /// What a reader gets.
  enum Answer: Equatable {
    case bytes([UInt8])
    /// The other thread answers later.
    case later
    case noValue
  }

  /// How long the subscription goes on after the last read, in seconds: longer than most programs wait between two reads.
  static let lingerSeconds = 6.0
  /// How long the service is not tried again, in seconds.
  static let retrySeconds = 0.25

  private(set) var tree: ZoneTree
  private(set) var zones: EnergyZones
  /// The zones that the present service has: another one may answer than the one that the tree was made for.
  private var present: Set<EnergyZone>
  var files = OpenFiles()
  private(set) var pending: [PendingRead] = []
  private(set) var service = Service.unread
  /// When somebody last read, and when a part of a package, by CLOCK_MONOTONIC in seconds.
  private var lastRead = -Double.infinity
  private var lastPartRead = -Double.infinity
  private var sweep: Sweep?

  init(_ info: ServiceInfo) {
    zones = EnergyZones(info)
    present = Set(zones.zones)
    tree = ZoneTree(zones.zones)
  }

  /// Somebody is about to read.
  mutating func expectRead(_ now: Double) {
    lastRead = now
    service = .followed
  }

  /// A read.
  mutating func read(_ read: PendingRead) -> Answer {
    guard let zone = files.zone(read.file, at: read.offset) else {
      return .bytes(files.bytes(read.file, at: read.offset, size: read.size))
    }
    lastRead = read.asked
    if zone.domain != .package { lastPartRead = read.asked }
    var read = read
    if let moment = sweep?.moment(of: read, zone: zone) { read.moment = moment } else { sweep = nil }
    switch service {
    case .followed:
      if let bytes = bytes(for: read, zone) { return .bytes(bytes) }
      guard !zones.isStale && present.contains(zone) else { return .noValue }
    case .away(let until) where read.asked < until: return .noValue
    case .unread, .away: service = .followed
    }
    pending.append(read)
    return .later
  }

  /// The bytes for a read that takes a new value, if there is one.
  private mutating func bytes(for read: PendingRead, _ zone: EnergyZone) -> [UInt8]? {
    guard case .microjoules(let value) = zones.value(of: zone, at: read.moment) else { return nil }
    files.set(read.file, microjoules: value)
    return files.bytes(read.file, at: read.offset, size: read.size)
  }

  /// How long a reader waits at most, in seconds.
  var patienceSeconds: Double { zones.patienceSeconds }

  /// How long after its deadline a reader may still wait, in seconds: both threads may be late on a busy machine.
  static let graceSeconds = 5.0

  /// Whether a reader waits although its time is over, so that the other thread hangs.
  func isOverdue(_ now: Double) -> Bool { pending.contains { now > $0.deadline + Self.graceSeconds } }

  /// A reader has been interrupted.
  ///
  /// - Returns: whether it was still waiting.
  mutating func forget(_ request: UInt) -> Bool {
    guard let index = pending.firstIndex(where: { $0.request == request }) else { return false }
    pending.remove(at: index)
    return true
  }

  /// Whether somebody reads a part of a package: reading these may cost the machine an interrupt for each core.
  func wantsParts(_ now: Double) -> Bool { now - lastPartRead < Self.lingerSeconds }

  /// Ends the subscription if nobody has read for so long that it can end.
  ///
  /// - Returns: whether it has ended.
  mutating func endIfUnread(_ now: Double) -> Bool {
    guard pending.isEmpty && now - lastRead >= Self.lingerSeconds else { return false }
    service = .unread
    return true
  }

  /// A subscription begins. A package that the service has found since then is added.
  mutating func begin(_ info: ServiceInfo, stepSeconds: Double) {
    let now = EnergyZones(info).zones
    present = Set(now)
    zones.add(now)
    tree.add(now)
    zones.begin(stepSeconds: stepSeconds)
  }

  mutating func take(_ sample: SampleReport) { zones.take(sample) }

  /// The answers that readers can get now; those that have none are `nil`.
  mutating func settle(_ now: Double) -> [(request: UInt, bytes: [UInt8]?)] {
    var settled: [(UInt, [UInt8]?)] = []
    for read in pending {
      guard let zone = files.zone(read.file, at: read.offset) else {
        // Another reader of the same open file has got a value for it.
        settled.append((read.request, files.bytes(read.file, at: read.offset, size: read.size)))
        continue
      }
      if let bytes = bytes(for: read, zone) {
        settled.append((read.request, bytes))
        sweep = Sweep(after: read, of: zone, in: sweep, now: now)
      } else if zones.isStale || now >= read.deadline || !present.contains(zone) {
        settled.append((read.request, nil))
      }
    }
    let done = Set(settled.map(\.0))
    pending.removeAll { done.contains($0.request) }
    return settled
  }

  /// When something is to be done without a sample: a reader has waited for too long, or nobody reads.
  var nextEvent: Double { pending.map(\.deadline).min() ?? lastRead + Self.lingerSeconds }

  /// The subscription has ended.
  ///
  /// - Returns: the requests of readers that were waiting, and get no value.
  mutating func end(_ service: Service) -> [UInt] {
    self.service = service
    defer { pending = [] }
    return pending.map(\.request)
  }
}
