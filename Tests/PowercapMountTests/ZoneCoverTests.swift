import SystemCalls
import Testing

@testable import PowercapMount

@Suite("Covering the kernel's zones")
struct ZoneCoverTests {
  private typealias Zone = ZoneCover.Zone

  /// Files by their paths.
  private struct Files: MachineFiles {
    let texts: [String: String]

    func text(_ path: String) throws(FileError) -> String {
      guard let text = texts[path] else { throw FileError(path: path, errno: 2) }
      return text
    }

    func names(in folder: String) throws(FileError) -> [String] {
      let names = texts.keys.filter { $0.hasPrefix(folder + "/") }
        .compactMap { $0.dropFirst(folder.count + 1).split(separator: "/").first.map(String.init) }
      guard !names.isEmpty else { throw FileError(path: folder, errno: 2) }
      return Array(Set(names))
    }

    func has(_ path: String) -> Bool { texts[path] != nil }
  }

  @Test("finds zones, domains in them and both control types, and nothing else")
  func zones() throws {
    let files = Files(texts: [
      "/top/intel-rapl/enabled": "1\n",
      "/top/intel-rapl/intel-rapl:0/name": "package-0\n",
      "/top/intel-rapl/intel-rapl:0/energy_uj": "1\n",
      "/top/intel-rapl/intel-rapl:0/intel-rapl:0:0/name": "dram\n",
      "/top/intel-rapl/intel-rapl:0/power/name": "no zone\n",
      "/top/intel-rapl/intel-rapl:1/energy_uj": "is just disappearing\n",
      "/top/intel-rapl-mmio/intel-rapl-mmio:0/name": "package-0\n",
      "/top/dtpm/dtpm:0/name": "package-0\n",
    ])
    #expect(
      try ZoneCover.zones(files, in: "/top") == [
        Zone(path: "intel-rapl/intel-rapl:0", name: "package-0", around: nil),
        Zone(path: "intel-rapl/intel-rapl:0/intel-rapl:0:0", name: "dram", around: "package-0"),
        Zone(path: "intel-rapl-mmio/intel-rapl-mmio:0", name: "package-0", around: nil),
      ])
    #expect(throws: FileError.self) { try ZoneCover.zones(files, in: "/none") }
  }

  @Test("pairs zones by their names, whatever their numbers, and leaves those that the service does not measure")
  func pairs() {
    let kernel = [
      Zone(path: "intel-rapl/intel-rapl:0", name: "psys", around: nil),
      Zone(path: "intel-rapl/intel-rapl:1", name: "package-1", around: nil),
      Zone(path: "intel-rapl/intel-rapl:1/intel-rapl:1:0", name: "dram", around: "package-1"),
      Zone(path: "intel-rapl/intel-rapl:1/intel-rapl:1:1", name: "uncore", around: "package-1"),
      Zone(path: "intel-rapl/intel-rapl:2", name: "package-0", around: nil),
      Zone(path: "intel-rapl/intel-rapl:2/intel-rapl:2:0", name: "dram", around: "package-0"),
      Zone(path: "intel-rapl-mmio/intel-rapl-mmio:0", name: "package-0", around: nil),
    ]
    let tree = [
      Zone(path: "intel-rapl/intel-rapl:0", name: "package-0", around: nil),
      Zone(path: "intel-rapl/intel-rapl:0/intel-rapl:0:0", name: "dram", around: "package-0"),
      Zone(path: "intel-rapl/intel-rapl:1", name: "package-1", around: nil),
      Zone(path: "intel-rapl/intel-rapl:1/intel-rapl:1:0", name: "dram", around: "package-1"),
      Zone(path: "intel-rapl/intel-rapl:2", name: "psys", around: nil),
    ]
    let (pairs, left) = ZoneCover.pairs(of: kernel, with: tree)
    #expect(
      pairs.map { "\($0.kernel.path) \($0.tree.path)" } == [
        "intel-rapl/intel-rapl:0 intel-rapl/intel-rapl:2",
        "intel-rapl/intel-rapl:1 intel-rapl/intel-rapl:1",
        "intel-rapl/intel-rapl:1/intel-rapl:1:0 intel-rapl/intel-rapl:1/intel-rapl:1:0",
        "intel-rapl/intel-rapl:2 intel-rapl/intel-rapl:0",
        "intel-rapl/intel-rapl:2/intel-rapl:2:0 intel-rapl/intel-rapl:0/intel-rapl:0:0",
        "intel-rapl-mmio/intel-rapl-mmio:0 intel-rapl/intel-rapl:0",
      ])
    #expect(left.map(\.name) == ["uncore"])
  }
}
