import Testing

@testable import Attribution

/// Snapshots one second apart.
struct Machine {
  var second = 0
  var busy: Int64 = 0
  var processes: [CPUSnapshot.Process] = []
  var cgroups: [CPUSnapshot.Cgroup]? = []
  var hides = false

  func snapshot(cpus: Int = 4) -> CPUSnapshot {
    CPUSnapshot(
      monotonicNanoseconds: Int64(second) * 1_000_000_000, bootMicroseconds: Int64(second) * 1_000_000 + 5,
      busyMicroseconds: busy, cpus: cpus, processes: processes, cgroups: cgroups, hidesProcesses: hides)
  }
}

@Suite("The CPU time of rows")
struct UsageTests {
  private func process(
    _ pid: Int, start: Int64 = 0, _ time: Int64, user: UInt32? = nil, in cgroup: String? = "/a.service"
  ) -> CPUSnapshot.Process {
    CPUSnapshot.Process(pid: pid, start: start, name: "p\(pid)", microseconds: time, user: user, cgroup: cgroup)
  }

  private func usage(
    _ grouping: Grouping, _ before: Machine, _ after: Machine
  ) throws -> [RowID: Int64] {
    var meter = UsageMeter(grouping)
    let first = meter.advance(before.snapshot())
    #expect(first == nil)
    let usage = meter.advance(after.snapshot())
    return try #require(usage).rows
  }

  @Test("counts from the last snapshot; a process that is new counts from its start, one that only appears does not")
  func processes() throws {
    // The third started before the first snapshot.
    let rows = try usage(
      .process, Machine(second: 10, processes: [process(1, 500)], cgroups: nil),
      Machine(
        second: 11, busy: 700_000,
        processes: [process(1, 300_500), process(2, start: 10_500_000, 200_000), process(3, 900_000_000)], cgroups: nil)
    )
    #expect(
      rows == [
        .process(pid: 1, start: 0): 300_000, .process(pid: 2, start: 10_500_000): 200_000, .notAttributed: 200_000,
      ])
  }

  @Test("takes a process with a reused number for another one")
  func reuse() throws {
    let rows = try usage(
      .process, Machine(second: 10, processes: [process(7, start: 1, 900_000)], cgroups: nil),
      Machine(second: 11, busy: 100_000, processes: [process(7, start: 10_200_000, 100_000)], cgroups: nil))
    #expect(rows == [.process(pid: 7, start: 10_200_000): 100_000])
  }

  @Test("counts nothing for a counter that goes back, and no more than the CPUs can have done")
  func absurd() throws {
    let rows = try usage(
      .process, Machine(processes: [process(1, 900), process(2, 0)], cgroups: nil),
      Machine(second: 1, busy: .max, processes: [process(1, 100), process(2, .max)], cgroups: nil))
    #expect(rows[.process(pid: 1, start: 0)] == nil)
    #expect(rows[.process(pid: 2, start: 0)].map { $0 <= 6_020_000 } == true)
  }

  @Test(
    "puts processes that have ended into their unit's row, and hidden ones into one of their own",
    arguments: [false, true])
  func ended(hides: Bool) throws {
    let rows = try usage(
      .process,
      Machine(processes: [process(1, 0)], cgroups: [.init(inode: 9, path: "/a.service", microseconds: 1000)]),
      Machine(
        second: 1, busy: 650_000, processes: [process(1, 200_000)],
        cgroups: [.init(inode: 9, path: "/a.service", microseconds: 501_000)], hides: hides))
    let process = RowID.process(pid: 1, start: 0)
    #expect(
      rows
        == (hides
          ? [process: 200_000, .hidden: 450_000]
          : [process: 200_000, .unit("/a.service"): 300_000, .notAttributed: 150_000]))
  }

  @Test("of a unit leaves out its children that are units; what a vanished one had last stays with its parent")
  func units() throws {
    let before = Machine(cgroups: [
      .init(inode: 1, path: "/s.slice", microseconds: 10_000),
      .init(inode: 2, path: "/s.slice/a.service", microseconds: 4000),
      .init(inode: 3, path: "/s.slice/b.service", microseconds: 6000),
    ])
    let after = Machine(
      second: 1, busy: 300_000,
      cgroups: [
        .init(inode: 1, path: "/s.slice", microseconds: 310_000),
        .init(inode: 2, path: "/s.slice/a.service", microseconds: 104_000),
        // Made again with the same name.
        .init(inode: 4, path: "/s.slice/c.service", microseconds: 150_000),
      ])
    #expect(
      try usage(.unit, before, after) == [
        .unit("/s.slice"): 50_000, .unit("/s.slice/a.service"): 100_000, .unit("/s.slice/c.service"): 150_000,
      ])
  }

  @Test("of a cgroup that was there before, but could not be read, is not counted")
  func unread() throws {
    let cgroup = { CPUSnapshot.Cgroup(inode: 7, path: "/a.service", microseconds: $0) }
    let new = CPUSnapshot.Cgroup(inode: 9, path: "/new.service", microseconds: 50_000)
    for before in [nil, [], [CPUSnapshot.Cgroup(inode: 8, path: "/other", microseconds: 0)]] as [[CPUSnapshot.Cgroup]?]
    {
      var meter = UsageMeter(.unit)
      _ = meter.advance(Machine(cgroups: [cgroup(900_000)]).snapshot())
      _ = meter.advance(Machine(second: 1, cgroups: before).snapshot())
      let rows = meter.advance(Machine(second: 2, cgroups: [cgroup(1_000_000), new]).snapshot())?.rows
      #expect(rows == [.unit("/new.service"): 50_000])
    }
  }

  @Test("by user gives ended processes to the only user of their unit")
  func users() throws {
    let cgroups = { (one: Int64, other: Int64) -> [CPUSnapshot.Cgroup] in
      [
        .init(inode: 1, path: "/user.slice/user-1000.slice", microseconds: one),
        .init(inode: 2, path: "/a.service", microseconds: other),
      ]
    }
    let rows = try usage(
      .user, Machine(processes: [process(1, 0, user: 33)], cgroups: cgroups(0, 0)),
      Machine(second: 1, busy: 400_000, processes: [process(1, 100_000, user: 33)], cgroups: cgroups(150_000, 250_000)))
    #expect(rows == [.user(33): 250_000, .user(1000): 150_000])
  }
}
