internal import Attribution
internal import PowerProtocol
public import Processes
internal import Synchronization
internal import SystemCalls

/// The energy of units, for metrics. It costs something only while somebody asks: each sample's CPU time is read when it is asked for.
public final class UnitReader: Sendable {
  private let meter: Mutex<UnitMeter>
  /// Why the latest attempt to read the CPU time failed; nil if it did not.
  private let latest = Mutex<ProcessError?>(nil)
  private let onChange: @Sendable (ProcessError?) -> Void

  /// What one must know of what is missing in the rows, in one sentence; nil for nothing.
  public let note: String?

  /// - Parameters:
  ///   - mostUnits: how many units have a row of their own.
  ///   - onChange: called when the CPU time cannot be read, and when it can be again (nil).
  /// - Throws: if the CPU time cannot be read.
  public init(
    mostUnits: Int, root: String = "", onChange: @escaping @Sendable (ProcessError?) -> Void = { _ in }
  ) throws(UnitsError) {
    do throws(ProcessError) {
      let meter = try UnitMeter(mostUnits: mostUnits, root: root)
      note = meter.note
      self.meter = Mutex(meter)
    } catch {
      throw UnitsError(error)
    }
    self.onChange = onChange
  }

  /// Whether what the service remembers of the time before is of use.
  var wantsHistory: Bool { meter.withLock { $0.isNew } }

  /// The energy of each row up to a sample that has just arrived.
  ///
  /// - Returns: nil if it is not known.
  func take(_ sample: SampleReport, past: HistoryReport?) -> UnitCounters? {
    let result = meter.withLock { meter -> Result<UnitCounters, ProcessError> in
      if let past { meter.learn(past) }
      do throws(ProcessError) {
        try meter.take(sample)
        return .success(meter.counters)
      } catch {
        return .failure(error)
      }
    }
    let (counters, failure): (UnitCounters?, ProcessError?) =
      switch result {
      case .success(let counters): (counters, nil)
      case .failure(let error): (nil, error)
      }
    let isNews = latest.withLock { before in
      defer { before = failure }
      return before != failure
    }
    if isNews { onChange(failure) }
    return counters
  }
}

/// Why the energy of units cannot be served.
public struct UnitsError: Error, Equatable, CustomStringConvertible {
  private let cause: ProcessError

  init(_ cause: ProcessError) { self.cause = cause }

  /// What failed, why, and what to do.
  public var description: String {
    switch cause {
    case .noCgroups: "--units needs cgroup v2, which is not mounted here."
    case .noProc(let errno), .noStatistics(let errno):
      "--units needs /proc/stat, which cannot be read: \(errorText(errno)). In a unit of systemd, set ProcSubset=all."
    }
  }
}
