internal import CMSRShim
internal import Glibc

/// What one read of a group of events gives.
struct EventReading {
  /// How many events a group may have, so that one read has room for all.
  static let mostEvents = 13

  /// As the kernel gives them; see perf_event_open(2), PERF_FORMAT_GROUP.
  var words = SIMD16<UInt64>()

  /// How many events there are.
  var count: UInt64 { words[0] }
  /// How long they have counted, in nanoseconds of the kernel's own clock.
  var running: Int64 { Int64(truncatingIfNeeded: words[2]) }

  /// The count of an event.
  subscript(index: Int) -> UInt64 { words[3 + index] }
}

/// Events that count together on one CPU, and are read at once.
protocol EventGroup: Sendable {
  /// Reads all of them.
  ///
  /// - Returns: 0, or an errno value; the reading is then of no use.
  func read(into reading: inout EventReading) -> Int32
}

/// Opens groups of events: the kernel, or a test's script.
protocol EventOpener: Sendable {
  /// Opens events on a CPU. The first leads the others: without it there is no group.
  ///
  /// - Parameter type: the number of the PMU that counts them.
  /// - Returns: the group of those that could be opened, in their order; and for each event 0, or an errno value.
  func open(type: UInt32, configs: [UInt64], cpu: Int) -> (group: (any EventGroup)?, errors: [Int32])
}

/// The kernel's events, by perf_event_open(2).
struct KernelEvents: EventOpener {
  private final class Group: EventGroup {
    private let leader: Int32
    private let descriptors: [Int32]

    init(_ descriptors: [Int32]) {
      self.descriptors = descriptors
      leader = descriptors.first ?? -1
    }

    deinit {
      for descriptor in descriptors { close(descriptor) }
    }

    func read(into reading: inout EventReading) -> Int32 {
      unsafe withUnsafeMutableBytes(of: &reading.words) { words in
        unsafe cmsr_read_events(leader, words.baseAddress, words.count)
      }
    }
  }

  func open(type: UInt32, configs: [UInt64], cpu: Int) -> (group: (any EventGroup)?, errors: [Int32]) {
    var descriptors: [Int32] = []
    var errors: [Int32] = []
    for config in configs {
      // Without its leader, an event would lead a group of its own.
      if descriptors.isEmpty && !errors.isEmpty { break }
      let descriptor = cmsr_open_event(type, config, Int32(clamping: cpu), descriptors.first ?? -1)
      errors.append(descriptor < 0 ? -descriptor : 0)
      if descriptor >= 0 { descriptors.append(descriptor) }
    }
    return (descriptors.isEmpty ? nil : Group(descriptors), errors)
  }
}
