public import PowerProtocol
public import RAPL

/// All zones of a service, and the energy of each: samples go in, values of `energy_uj` come out.
public struct EnergyZones: Sendable {
  /// Numbers are rounded so, for everyone, as the service rounds them for everyone: it tells some clients more.
  private static let energySteps = 100.0
  private static let timeSteps = 1000.0
  /// From this age on a reading is old, in seconds or in windows, whichever is longer: as the service itself judges.
  private static let staleAge = 2.5

  /// The zones, in the kernel's order: packages, each followed by its domains, then platforms.
  public private(set) var zones: [EnergyZone]
  private var curves: [EnergyZone: EnergyCurve]
  /// The time between readings, in seconds.
  private var stepSeconds = 0.25
  /// Whether the service says that it has no recent reading.
  public private(set) var isStale = false

  /// The zones that a service describes.
  public init(_ info: ServiceInfo) {
    let packages = info.packages.sorted { $0.id < $1.id }
    let parts = packages.flatMap { package in
      [.package, .core, .uncore, .dram].filter { domain in package.domains.contains { $0.domain == domain } }
        .map { EnergyZone(package.id, $0) }
    }
    let platforms = packages.filter { $0.domains.contains { $0.domain == .psys } }.map { EnergyZone($0.id, .psys) }
    zones = parts + platforms
    curves = [:]
    for zone in zones { curves[zone] = EnergyCurve() }
  }

  /// Adds zones that were found later, behind all others.
  public mutating func add(_ more: [EnergyZone]) {
    for zone in more where curves[zone] == nil {
      zones.append(zone)
      curves[zone] = EnergyCurve()
    }
  }

  /// Whether reading the domains may cost the machine an interrupt for each core: AMD's CPUs have no other domain than `core`.
  public var hasCostlyDomains: Bool {
    zones.contains { $0.domain == .core } && zones.allSatisfy { $0.domain == .package || $0.domain == .core }
  }

  /// A subscription begins.
  ///
  /// - Parameter stepSeconds: the time between its samples.
  public mutating func begin(stepSeconds: Double) {
    self.stepSeconds = stepSeconds
    isStale = false
  }

  /// Takes a sample of the subscription. A stale one has nothing new.
  public mutating func take(_ sample: SampleReport) {
    isStale = sample.status == .stale
    guard !isStale else { return }
    func round(_ number: Double, _ steps: Double) -> Double { (number * steps).rounded() / steps }
    let window = round(sample.windowSeconds, Self.timeSteps)
    for (package, domain, drawn) in sample.parts {
      // Without watts one end of the window is missing, and it is unknown which.
      guard let watts = drawn.watts else { continue }
      curves[EnergyZone(package, domain)]?.add(
        seconds: round(sample.monotonicSeconds, Self.timeSteps), windowSeconds: window,
        joules: round(drawn.joules, Self.energySteps), windowJoules: round(watts, Self.energySteps) * window)
    }
  }

  /// The value of a zone's `energy_uj` for somebody who asked at a moment.
  ///
  /// - Parameter asked: CLOCK_MONOTONIC, in seconds.
  /// - Returns: `unknown` also for a zone that the service does not have.
  public mutating func value(of zone: EnergyZone, at asked: Double) -> EnergyCurve.Value {
    curves[zone]?.value(at: asked, stepSeconds: stepSeconds) ?? .unknown
  }

  /// How long a reader waits for the next reading at most, in seconds: by then the service itself would call its latest one stale.
  public var patienceSeconds: Double { max(Self.staleAge, Self.staleAge * stepSeconds) }
}
