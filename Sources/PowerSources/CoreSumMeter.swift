package import RAPL

extension PackageCPUs {
  /// Why the core domain is left out of a package whose cores each have a counter; nil if it can be read. The service and the
  /// doctor ask the same.
  package var coresLeftOut: String? {
    guard let physicalCores else {
      return "Cannot tell which CPUs share a core in \(id), so its core domain is not measured."
    }
    guard let isolated = physicalCores.first(where: \.isIsolated) else { return nil }
    return
      "CPU \(isolated.cpus[0]) is isolated, and reading its core's counter would interrupt it, so the core domain of \(id) is not measured."
  }
}

extension PackageID {
  /// Why cores are not read of a package whose counter moves in steps. The service and the doctor say the same.
  package var coresMayStep: String {
    "The core domain of \(self) is not measured, because the cores' counters may step at different times."
  }
}

/// The core domain of a package in which each core has a counter of its own: their sum.
///
/// A core that cannot be read is left out, and the sum is a lower bound from then on. In a window in which a core goes offline
/// or comes online there are no watts: `losses` differ at its two ends.
struct CoreSumMeter {
  private struct Core {
    let place: PhysicalCore
    var meter: CounterMeter
    /// Whether it was read, or is in doubt, and so is part of the sum.
    var isCounted = true
    /// Whether it ever showed a plausible value.
    var isKnown = false
  }

  let package: PackageID
  private let unit: EnergyUnit
  private let address: UInt32
  private let bound: PowerBound
  private var cores: [Core] = []
  private var registers: any RegisterFile
  private let search: HotplugSearch
  private var generation = 0
  /// All CPUs that were seen.
  private var known: [Int]
  /// Whether a CPU that came online cannot be opened.
  private var missesHotplugged = false
  /// How many times a core went offline or came online.
  private var changes: UInt32
  private var lastMonotonicNanoseconds: Int64 = 0

  /// Counters that have not been read yet.
  ///
  /// - Parameters:
  ///   - isPartial: whether cores may be missing from the start, because CPUs are offline.
  ///   - bound: the power that no single core can draw.
  init(
    package: PackageCPUs, cores: [PhysicalCore], unit: EnergyUnit, address: UInt32, registers: any RegisterFile,
    isPartial: Bool, bound: PowerBound = .ofCore
  ) {
    self.package = package.id
    self.unit = unit
    self.address = address
    self.bound = bound
    self.registers = registers
    search = HotplugSearch(package.id)
    known = package.cpus
    changes = isPartial ? 1 : 0
    add(cores)
  }

  /// The longest time between two readings that cannot miss a wrap, in seconds.
  var longestCertainSeconds: Double { cores.map(\.meter.longestCertainSeconds).min() ?? .infinity }

  /// Whether there are such counters.
  mutating func exist() -> Bool {
    cores.indices.contains { (try? cores[$0].meter.exists()) ?? false }
  }

  /// The highest bound, if one was raised since this was last asked.
  mutating func takeRaisedBound() -> PowerBound? {
    cores.indices.compactMap { cores[$0].meter.takeRaisedBound() }.max { $0.watts < $1.watts }
  }

  /// Reads the counter of every core now. The time of the sum is the mean of the times of the readings.
  ///
  /// - Parameters:
  ///   - now: the monotonic time a moment ago.
  ///   - hasChanged: set if the bound of a core was raised.
  mutating func read(asleepNanoseconds asleep: Int64, now: Int64, hasChanged: inout Bool) -> EnergyReading {
    var failure: (any Error)? = addHotplugged()
    let isIncomplete = failure != nil
    var (counts, losses, rejections) = (UInt64(0), UInt32(0), UInt32(0))
    var isInDoubt = false
    var counted: Int64 = 0
    var offsets: Int64 = 0
    for index in cores.indices {
      let reading = cores[index].meter.read(asleepNanoseconds: asleep, now: now, hasChanged: &hasChanged)
      counts &+= reading.counts
      losses &+= reading.losses
      rejections &+= reading.rejections
      switch reading.outcome {
      case .failed(let error):
        failure = failure ?? error
        count(index, false)
      case .read(.implausible):
        // A single odd value is settled by the next one. If a core shows nothing else, there is nothing to wait for.
        count(index, cores[index].isCounted && cores[index].isKnown)
        isInDoubt = isInDoubt || cores[index].isCounted
      case .read:
        cores[index].isKnown = true
        count(index, true)
      }
      guard cores[index].isCounted else { continue }
      counted += 1
      offsets += reading.monotonicNanoseconds - now
    }
    if counted > 0 { lastMonotonicNanoseconds = now + offsets / counted }
    let outcome: EnergyReading.Outcome =
      if let failure, isIncomplete || counted == 0 {
        .failed(failure)
      } else {
        // The steps of a sum do not matter, only its energy.
        .read(isInDoubt || counted == 0 ? .implausible : .idle)
      }
    return EnergyReading(
      package: package, domain: .core, outcome: outcome, counts: counts, unit: unit, losses: losses &+ changes,
      rejections: rejections, monotonicNanoseconds: lastMonotonicNanoseconds)
  }

  private mutating func count(_ index: Int, _ isCounted: Bool) {
    guard cores[index].isCounted != isCounted else { return }
    cores[index].isCounted = isCounted
    changes &+= 1
  }

  private mutating func add(_ places: [PhysicalCore]) {
    for place in places {
      let reader = CounterReader(counter: address, of: place, registers)
      cores.append(
        Core(place: place, meter: CounterMeter(package: package, domain: .core, unit: unit, bound: bound, reader)))
    }
  }

  /// Adds cores that have come online since: their energy counts from now on.
  ///
  /// - Returns: why some cores cannot be read, so that they are missing from the sum.
  private mutating func addHotplugged() -> RegisterError? {
    do {
      guard let found = try search.hotplugged(after: generation, besides: known, through: registers) else { return nil }
      generation = found.generation
      registers = found.hotplugged.registers
      known += found.hotplugged.cpus
      // A core whose threads have changed would be read twice if it were recognized only by its number.
      let places = (found.hotplugged.cores ?? []).filter { place in
        place.place != nil && !place.isIsolated && !cores.contains { $0.place.isSame(as: place) }
      }
      if !places.isEmpty || found.hotplugged.cores?.contains(where: \.isIsolated) ?? true { changes &+= 1 }
      add(places)
      missesHotplugged = false
      return nil
    } catch {
      if !missesHotplugged { changes &+= 1 }
      missesHotplugged = true
      return error
    }
  }
}
