import SystemCalls
import Testing

@testable import PowercapMount

@Suite("The table of mounts")
struct MountTableTests {
  @Test("gives each mount's number, place and type, with any optional fields, and places with spaces")
  func lines() {
    let table = MountTable(
      """
      22 1 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw
      41 22 0:35 / /run/pkg-watt-stat/powercap ro,nosuid,nodev,noexec shared:9 master:2 propagate_from:3 - fuse.pkg-watt-stat pkg-watt-stat rw
      42 22 0:36 / /mnt/a\\040b\\134c\\011 rw - ext4 /dev/vda rw

      43 rubbish
      x 22 0:36 / /mnt rw - ext4 /dev/vda rw
      44 22 0:36 / /mnt rw
      """)
    #expect(
      table.entries == [
        MountTable.Entry(number: 22, place: "/sys", type: "sysfs"),
        MountTable.Entry(number: 41, place: "/run/pkg-watt-stat/powercap", type: "fuse.pkg-watt-stat"),
        MountTable.Entry(number: 42, place: "/mnt/a b\\c\t", type: "ext4"),
      ])
  }

  @Test("has the mount of an open file")
  func own() throws {
    let place = try filePlace("/proc/self/mountinfo", root: "")
    #expect(try MountTable().entry(of: place)?.type == "proc")
  }

  @Test(
    "tells the mounts that the unit's steps may take away from all others",
    arguments: [
      ("/run/pkg-watt-stat/powercap", "fuse.pkg-watt-stat", true),
      ("/sys/devices/virtual/powercap/intel-rapl/intel-rapl:0/energy_uj", "fuse.pkg-watt-stat", true),
      (
        "/sys/devices/virtual/powercap/intel-rapl/intel-rapl:0/intel-rapl:0:0/max_energy_range_uj",
        "fuse.pkg-watt-stat", true
      ),
      ("/sys/devices/virtual/powercap/intel-rapl-mmio/intel-rapl-mmio:0/energy_uj", "fuse.pkg-watt-stat", true),
      // Another program's, at our places.
      ("/run/pkg-watt-stat/powercap", "tmpfs", false),
      ("/sys/devices/virtual/powercap/intel-rapl/intel-rapl:0/energy_uj", "fuse.other", false),
      // Ours, but somebody else has mounted it: the commands powercap and with.
      ("/run/powercap", "fuse.pkg-watt-stat", false),
      ("/sys/devices/virtual/powercap", "fuse.pkg-watt-stat", false),
      (
        "/sys/devices/virtual/powercap/intel-rapl/intel-rapl:0/constraint_0_power_limit_uw", "fuse.pkg-watt-stat", false
      ),
      ("/sys/devices/virtual/powercap/dtpm/energy_uj", "fuse.pkg-watt-stat", false),
    ])
  func ours(place: String, type: String, isOurs: Bool) {
    #expect(UnitTree.isOurs(MountTable.Entry(number: 1, place: place, type: type)) == isOurs)
  }
}
