/// Makes the CPU time of rows from snapshots.
///
/// In a table of processes or users, what a unit's cgroups counted beyond its visible processes is the time of those that ended
/// between two snapshots, or that cannot be seen. The kernel tells a process's time in ticks of 10 ms and a cgroup's in
/// microseconds, so a small difference in the other direction is remembered, and made up for later.
public struct UsageMeter: Sendable {
  private let grouping: Grouping
  private var processes = CounterCourse<RowID>()
  private var cgroups = CounterCourse<UInt64>()
  /// The highest inode number of any cgroup so far: a new one has a higher number, and an old one that could not be read for a while
  /// has not. Source: fs/kernfs/dir.c, __kernfs_new_node.
  private var highestInode: UInt64 = 0
  private var last: (nanoseconds: Int64, bootMicroseconds: Int64, busy: Int64)?
  /// How much less the units' cgroups have counted than their processes, in microseconds: 0 or less.
  private var debts: [String: Int64] = [:]
  private var busyDebt: Int64 = 0
  /// What paths mean, so that each is taken apart once.
  private var places: [String: CgroupPlace] = [:]

  /// A meter before its first snapshot.
  public init(_ grouping: Grouping) { self.grouping = grouping }

  /// The CPU time since the last snapshot; nil for the first one, and if the clock went back.
  public mutating func advance(_ snapshot: CPUSnapshot) -> CPUUsage? {
    let before = last
    last = (snapshot.monotonicNanoseconds, snapshot.bootMicroseconds, snapshot.busyMicroseconds)
    let interval = before.map { Self.difference(snapshot.monotonicNanoseconds, $0.nanoseconds) } ?? 0
    // Ticks of both snapshots are rounded.
    let most = Self.product(interval / 1000, Int64(clamping: snapshot.cpus)) / 2 * 3 + 20_000
    let tick: Int64 = 10_000
    let known = (snapshot.processes ?? []).map {
      (key: RowID.process(pid: $0.pid, start: $0.start), microseconds: $0.microseconds)
    }
    let times = processes.advance(known, most: most) { index in
      // A process that only becomes visible was there before: its whole past is not of this window.
      snapshot.processes.map { $0[index].start >= (before?.bootMicroseconds ?? .max) - tick } ?? false
    }
    let counted = (snapshot.cgroups ?? []).map { (key: $0.inode, microseconds: $0.microseconds) }
    let seen = highestInode
    let whole = cgroups.advance(counted, most: most) { seen > 0 && counted[$0].key > seen }
    highestInode = counted.lazy.map(\.key).reduce(seen, max)
    guard let before, interval > 0 else { return nil }
    var usage = CPUUsage(start: before.nanoseconds, end: snapshot.monotonicNanoseconds, rows: [:], live: [:])
    let owners = placed(snapshot)
    switch grouping {
    case .unit, .container: addGroups(snapshot, Self.own(snapshot.cgroups ?? [], whole), to: &usage)
    case .process, .user:
      addProcesses(snapshot, times, owners, to: &usage)
      if let cgroups = snapshot.cgroups {
        addRest(snapshot, cgroups, Self.own(cgroups, whole), times, owners, to: &usage)
      }
    }
    let rows = usage.rows.values.reduce(0, Self.sum)
    let busy = min(max(Self.difference(snapshot.busyMicroseconds, before.busy), 0), most)
    let rest = busy - rows + busyDebt
    // The machine's time is a sum of samples at ticks, and so is wrong by a little in either direction.
    busyDebt = max(min(rest, 0), -interval / 1000)
    if rest > 0 {
      Self.add(rest, to: snapshot.hidesProcesses && grouping.needsProcesses ? .hidden : .notAttributed, of: &usage)
    }
    return usage
  }

  private mutating func place(_ path: String) -> CgroupPlace {
    if let known = places[path] { return known }
    let place = CgroupPlace(path)
    places[path] = place
    return place
  }

  /// The place of each process; forgets those that nobody uses any more.
  private mutating func placed(_ snapshot: CPUSnapshot) -> [CgroupPlace?] {
    let old = places
    places = [:]
    let paths = (snapshot.processes ?? []).map(\.cgroup)
    for path in paths.lazy.compactMap({ $0 }) + (snapshot.cgroups ?? []).lazy.map(\.path) where places[path] == nil {
      places[path] = old[path] ?? CgroupPlace(path)
    }
    return paths.map { $0.flatMap { places[$0] } }
  }

  private mutating func addGroups(_ snapshot: CPUSnapshot, _ own: [Int64], to usage: inout CPUUsage) {
    for (cgroup, time) in zip(snapshot.cgroups ?? [], own) {
      let place = place(cgroup.path)
      let row: RowID
      let about: CPUUsage.About
      if grouping == .unit {
        row = .unit(place.unitPath)
        about = CPUUsage.About(name: place.label, unit: place.unit)
      } else if let container = place.container {
        row = .container(place.unitPath)
        about = CPUUsage.About(name: container, unit: place.unit)
      } else {
        (row, about) = (.outside, CPUUsage.About(name: "outside of containers"))
      }
      usage.live[row] = about
      Self.add(time, to: row, of: &usage)
    }
  }

  private func addProcesses(
    _ snapshot: CPUSnapshot, _ times: [Int64], _ owners: [CgroupPlace?], to usage: inout CPUUsage
  ) {
    for (index, process) in (snapshot.processes ?? []).enumerated() {
      let row: RowID
      if grouping == .process {
        row = .process(pid: process.pid, start: process.start)
        let heir = owners[index].map { $0.unitPath == "/" ? RowID.ended : .unit($0.unitPath) } ?? .ended
        usage.live[row] = CPUUsage.About(
          name: process.name, unit: owners[index].flatMap { $0.unitPath == "/" ? nil : $0.unit }, heir: heir)
      } else if let user = process.user {
        row = .user(user)
        usage.live[row] = CPUUsage.About(name: "\(user)")
      } else {
        row = .notAttributed
      }
      Self.add(times[index], to: row, of: &usage)
    }
  }

  /// Adds what cgroups counted beyond their visible processes.
  private mutating func addRest(
    _ snapshot: CPUSnapshot, _ cgroups: [CPUSnapshot.Cgroup], _ own: [Int64], _ times: [Int64],
    _ owners: [CgroupPlace?], to usage: inout CPUUsage
  ) {
    var rest: [String: Int64] = [:]
    var units: [String: CgroupPlace] = [:]
    for (cgroup, time) in zip(cgroups, own) {
      let place = place(cgroup.path)
      units[place.unitPath] = place
      rest[place.unitPath] = Self.sum(rest[place.unitPath] ?? 0, time)
    }
    // The users of each unit's processes: the heirs of those that have ended.
    var users: [String: Set<UInt32>] = [:]
    for (index, process) in (snapshot.processes ?? []).enumerated() {
      guard let path = owners[index]?.unitPath, units[path] != nil else { continue }
      rest[path] = Self.difference(rest[path] ?? 0, times[index])
      if let user = process.user { users[path, default: []].insert(user) }
    }
    for (path, place) in units {
      let row: RowID
      if snapshot.hidesProcesses {
        row = .hidden
      } else if grouping == .process {
        row = .unit(path)
        usage.live[row] = CPUUsage.About(name: "ended processes of \(place.label)", unit: place.unit)
      } else {
        let only = users[path].flatMap { $0.count == 1 ? $0.first : nil } ?? place.user
        row = only.map { .user($0) } ?? .notAttributed
        if let only { usage.live[row] = CPUUsage.About(name: "\(only)") }
      }
      let left = Self.sum(rest[path] ?? 0, debts[path] ?? 0)
      // A process may have brought time from another cgroup along: no more than a second of it is made up for.
      debts[path] = max(min(left, 0), -1_000_000)
      if left > 0 { Self.add(left, to: row, of: &usage) }
    }
    debts = debts.filter { units[$0.key] != nil }
  }

  /// What each cgroup counted without its children. The rest of a child that vanished stays in its parent.
  private static func own(_ cgroups: [CPUSnapshot.Cgroup], _ whole: [Int64]) -> [Int64] {
    var own = whole
    let places = Dictionary(cgroups.indices.map { (cgroups[$0].path, $0) }) { first, _ in first }
    for (index, cgroup) in cgroups.enumerated() {
      guard let slash = cgroup.path.utf8.lastIndex(of: UInt8(ascii: "/")),
        let parent = places[String(decoding: cgroup.path.utf8[..<slash], as: UTF8.self)], parent != index
      else { continue }
      own[parent] = difference(own[parent], whole[index])
    }
    return own.map { max($0, 0) }
  }

  private static func add(_ time: Int64, to row: RowID, of usage: inout CPUUsage) {
    guard time > 0 else { return }
    usage.rows[row] = sum(usage.rows[row] ?? 0, time)
  }

  // The bounds of counters keep these far from overflow; outside data must never trap in any case.
  private static func sum(_ one: Int64, _ other: Int64) -> Int64 {
    let (sum, overflows) = one.addingReportingOverflow(other)
    return overflows ? (one > 0 ? .max : .min) / 4 : sum
  }

  private static func difference(_ one: Int64, _ other: Int64) -> Int64 {
    let (difference, overflows) = one.subtractingReportingOverflow(other)
    return overflows ? (one > other ? .max : .min) / 4 : difference
  }

  private static func product(_ one: Int64, _ other: Int64) -> Int64 {
    let (product, overflows) = one.multipliedReportingOverflow(by: other)
    return overflows ? .max / 4 : min(product, .max / 4)
  }
}

extension CgroupPlace {
  /// The unit, with its user if it is one of a user's own: every user has a `pipewire.service`.
  var label: String { container ?? (user.map { unit.contains("user") ? unit : "\(unit) of user \($0)" } ?? unit) }
}
