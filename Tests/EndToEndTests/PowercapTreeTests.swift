import Foundation
import Synchronization
import Testing

@Suite(
  "A powercap tree", .serialized, .enabled(if: Executables.hasTree, Comment(rawValue: Executables.needsTree)))
struct PowercapTreeTests {
  @Test("counts each package's energy and its domains', read at any pace")
  func energy() throws {
    let tree = try PowercapTree()
    let zones: [(String, String, Double)] = [
      ("intel-rapl:0", "package-0", 42.5), ("intel-rapl:0:0", "core", 42.5 * 0.7), ("intel-rapl:1", "package-1", 17.25),
    ]
    let files = try zones.map { zone, name, watts in
      #expect(try String(contentsOfFile: tree.path(zone, "name"), encoding: .utf8) == name + "\n")
      return (try EnergyFile(tree.path(zone)), watts)
    }
    // One time for all, before the first: a reader who has to wait gets the energy of the moment at which it asked.
    func now() throws -> (seconds: Double, values: [UInt64]) {
      (ProcessInfo.processInfo.systemUptime, try files.map { file, _ in try file.microjoules() })
    }
    // The first readers wait for the subscription.
    _ = try now()
    var before = try now()
    for pause in [0.5, 1, 2.0] {
      usleep(UInt32(pause * 1e6))
      let after = try now()
      for (index, (_, watts)) in files.enumerated() {
        let measured = Double(after.values[index] - before.values[index]) / 1e6 / (after.seconds - before.seconds)
        // Energy is rounded to 10 mJ and time to a millisecond; and a busy machine makes the reader late.
        #expect(abs(measured - watts) <= 0.02 * watts + 0.1, "\(measured) W in place of \(watts) W")
      }
      before = after
    }
  }

  @Test("gives a reader who had to wait the energy of the moment of the question")
  func waited() throws {
    let tree = try PowercapTree()
    let files = [try EnergyFile(tree.path("intel-rapl:0")), try EnergyFile(tree.path("intel-rapl:1"))]
    // Programs that measure for a while take the time once, and then read one zone after the other: the kernel answers at once.
    func now() throws -> (seconds: Double, values: [UInt64]) {
      (ProcessInfo.processInfo.systemUptime, try files.map { try $0.microjoules() })
    }
    let first = try now()
    usleep(3_000_000)
    let last = try now()
    for (index, watts) in [42.5, 17.25].enumerated() {
      let measured = Double(last.values[index] - first.values[index]) / 1e6 / (last.seconds - first.seconds)
      #expect(abs(measured - watts) <= watts * 0.01, "\(measured) W in place of \(watts) W")
    }
  }

  @Test("has AMD's cores as the kernel names them, and reads them only if somebody does")
  func cores() throws {
    let tree = try PowercapTree(watts: [42.5], ["--cpuinfo", "amd"])
    let names = try FileManager.default.contentsOfDirectory(atPath: tree.folder.path).sorted()
    #expect(names == ["intel-rapl", "intel-rapl:0", "intel-rapl:0:0"])
    #expect(try String(contentsOfFile: tree.path("intel-rapl:0:0", "name"), encoding: .utf8) == "core\n")
    let (package, core) = (try EnergyFile(tree.path("intel-rapl:0")), try EnergyFile(tree.path("intel-rapl:0:0")))
    // The subscription begins without cores, and goes on with them.
    let first = try package.microjoules()
    let before = try core.microjoules()
    sleep(1)
    #expect(try core.microjoules() > before && package.microjoules() > first)
  }

  @Test("gives a new number at offset 0, and goes on with it further on")
  func offsets() throws {
    let tree = try PowercapTree()
    let file = try EnergyFile(tree.path("intel-rapl:0"))
    let other = try EnergyFile(tree.path("intel-rapl:0"))
    var last: UInt64 = 0
    for _ in 0..<20 {
      // Byte by byte, while others read: a number that is put together of two would often be less than the one before.
      var text = ""
      while true {
        let (byte, error) = file.read(1, at: text.utf8.count)
        try #require(error == 0)
        if byte.isEmpty { break }
        text += byte
        _ = try other.microjoules()
      }
      let value = try #require(UInt64(text.dropLast()))
      #expect(text.hasSuffix("\n") && value >= last)
      last = value
      usleep(20_000)
    }
    #expect(file.read(0) == ("", 0))
    #expect(file.read(8, at: 4096) == ("", 0))
    // What was never read from its start gets a number all the same, as in the kernel.
    let third = try EnergyFile(tree.path("intel-rapl:0"))
    #expect(third.read(64, at: 1).text.hasSuffix("\n"))
  }

  @Test("cannot be changed, even by root")
  func readOnly() throws {
    let tree = try PowercapTree()
    let path = tree.path("intel-rapl:0")
    for flags in [O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC] {
      #expect(open(path, flags) == -1 && errno == EROFS)
    }
    #expect(chmod(path, 0o666) == -1 && errno == EROFS)
    #expect(unlink(path) == -1 && errno == EROFS)
    #expect(mkdir(tree.folder.file("new"), 0o755) == -1 && errno == EROFS)
    let file = try EnergyFile(path)
    #expect(mmap(nil, 4096, PROT_READ, MAP_SHARED, file.descriptor, 0) == MAP_FAILED)
    #expect(file.read(64, at: -1).error == EINVAL)
    _ = try file.microjoules()
  }

  @Test("is read by every user, and served without any right")
  func rights() throws {
    let tree = try PowercapTree()
    let (code, output) = try Child.run(
      ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", "cat", tree.path("intel-rapl:1")])
    #expect(code == 0 && UInt64(output.dropLast()) != nil, "\(output)")
    let status = try String(contentsOfFile: "/proc/\(tree.server())/status", encoding: .utf8)
    for line in ["CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "NoNewPrivs:\t1"] {
      #expect(status.contains(line + "\n"), "\(status)")
    }
    #expect(!status.contains("Uid:\t0"))
    let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(tree.server())/fd").compactMap {
      try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(tree.server())/fd/\($0)")
    }
    #expect(Set(open.filter { $0.hasPrefix("/dev/") }) == ["/dev/null", "/dev/fuse"], "\(open)")
  }

  @Test("has no value while the service is away or hangs, never an old one, and does not go back when it returns")
  func away() throws {
    let tree = try PowercapTree()
    let file = try EnergyFile(tree.path("intel-rapl:0"))
    let first = try file.microjoules()
    kill(try #require(tree.service).child.pid, SIGSTOP)
    // What was measured before is still given, but then nothing.
    var (last, error): (UInt64, Int32) = (first, 0)
    let begin = Date.now
    while error == 0 {
      let (text, next) = file.read()
      error = next
      if error == 0 { last = max(last, try #require(UInt64(text.dropLast()))) }
      try #require(Date.now < begin.addingTimeInterval(8), "it goes on for ever")
    }
    #expect(error == ENODATA)
    kill(try #require(tree.service).child.pid, SIGCONT)
    #expect(try tree.service?.stop() == 0)
    try wait(for: "the tree to notice") { file.read().error == ENODATA }
    // Files that never change are read all the same.
    #expect(try String(contentsOfFile: tree.path("intel-rapl:0", "name"), encoding: .utf8) == "package-0\n")
    let again = try tree.restartService()
    defer { again.send(SIGTERM) }
    try wait(for: "a value again") { file.read().error == 0 }
    #expect(try file.microjoules() >= last)
    #expect(tree.child.output.contains("No energy: ") && tree.child.output.contains("The service answers again."))
  }

  @Test("shows a package that the service finds later, as the kernel would")
  func later() throws {
    let tree = try PowercapTree(watts: [42.5])
    let file = try EnergyFile(tree.path("intel-rapl:0"))
    _ = try file.microjoules()
    // psys is intel-rapl:1, and stays that.
    #expect(access(tree.path("intel-rapl:2"), F_OK) == -1)
    #expect(try tree.service?.stop() == 0)
    let larger = try Device(["--watts", "42.5", "--watts", "17.25"])
    let again = try tree.restartService(on: larger)
    defer { again.send(SIGTERM) }
    try wait(for: "a value again") { file.read().error == 0 }
    let names = try FileManager.default.contentsOfDirectory(atPath: tree.folder.path)
    #expect(names.contains("intel-rapl:2") && names.contains("intel-rapl:2:0"), "\(names)")
    #expect(try String(contentsOfFile: tree.path("intel-rapl:2", "name"), encoding: .utf8) == "package-1\n")
    let second = try EnergyFile(tree.path("intel-rapl:2"))
    // It belongs to the same round of reads as those before.
    _ = try second.microjoules()
    let (begin, first) = (ProcessInfo.processInfo.systemUptime, try second.microjoules())
    sleep(2)
    let (end, last) = (ProcessInfo.processInfo.systemUptime, try second.microjoules())
    let measured = Double(last - first) / 1e6 / (end - begin)
    #expect(abs(measured - 17.25) <= 0.5, "\(measured) W in place of 17.25 W")
  }

  @Test("wakes nobody while nobody reads")
  func unread() throws {
    let tree = try PowercapTree()
    let file = try EnergyFile(tree.path("intel-rapl:0"))
    _ = try file.microjoules()
    func wakeups() throws -> Int {
      let server = try tree.server()
      let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(server)/task")
      return try tasks.map { task in
        let status = try String(contentsOfFile: "/proc/\(server)/task/\(task)/status", encoding: .utf8)
        let lines = status.split(separator: "\n").filter { $0.contains("ctxt_switches") }
        return lines.compactMap { Int($0.split(separator: "\t").last ?? "") }.reduce(0, +)
      }.reduce(0, +)
    }
    func isConnected() throws -> Bool {
      let server = try tree.server()
      return try FileManager.default.contentsOfDirectory(atPath: "/proc/\(server)/fd").contains { name in
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(server)/fd/\(name)"))?.hasPrefix("socket:")
          == true
      }
    }
    #expect(try isConnected())
    try wait(seconds: 15, for: "the subscription to end") { !(try isConnected()) }
    usleep(200_000)
    let before = try wakeups()
    sleep(3)
    #expect(try wakeups() == before)
    // The energy of that time is not lost.
    #expect(try file.microjoules() > 0)
  }

  @Test("takes nothing from another user who serves once the service is away")
  func impostor() throws {
    let script = """
      set -e; mount -t tmpfs -o mode=755 none /run; mount -t tmpfs -o mode=1777 none /tmp; mkdir /run/tree
      ready() { until grep -q Ready $1; do kill -0 $2; sleep 0.05; done; }
      : >/tmp/log; : >/tmp/tree.log; : >/tmp/impostor.log
      "$0" serve --source simulated --user root >>/tmp/log 2>&1 & S=$!; ready /tmp/log $S
      "$0" powercap /run/tree >>/tmp/tree.log 2>&1 & T=$!; ready /tmp/tree.log $T
      cat /run/tree/intel-rapl:0/energy_uj >/dev/null && echo served; kill $S; wait $S || :
      setpriv --reuid 1000 --regid 1000 --clear-groups "$0" serve --source simulated --socket /tmp/pkg-watt-stat.sock \
        >>/tmp/impostor.log 2>&1 & I=$!; ready /tmp/impostor.log $I
      # The tree has to notice the end first, and tries again only after a while.
      for N in 1 2 3 4; do sleep 0.3; cat /run/tree/intel-rapl:0/energy_uj || :; done
      grep -c 'not by root, pkg-watt-stat or you' /tmp/tree.log; kill $T $I; wait $T || :; wait $I || :
      """
    let (_, output) = try Child.run(["unshare", "-m", "bash", "-c", script, Executables.service], seconds: 30)
    #expect(output.hasPrefix("served\n") && output.hasSuffix("\n1\n"), "\(output)")
    #expect(output.components(separatedBy: "No data available").count == 5, "\(output)")
  }

  @Test("is not mounted twice on the same folder, and goes although a file of it is open")
  func twice() throws {
    let tree = try PowercapTree()
    let second = try Child.run([Executables.service, "powercap", "--socket", tree.socket, tree.folder.path])
    #expect(second.exitCode == 1 && second.output.contains("is mounted on \(tree.folder.path) already"))
    let file = try EnergyFile(tree.path("intel-rapl:0"))
    tree.child.send(SIGTERM)
    #expect(try tree.child.exitCode() == 0)
    #expect(!(try tree.isMounted()) && file.read().error != 0)
  }

  @Test("goes although its server is stopped")
  func stopped() throws {
    let tree = try PowercapTree()
    let server = try tree.server()
    kill(server, SIGSTOP)
    tree.child.send(SIGTERM)
    #expect(try tree.child.exitCode() == 0)
    #expect(!(try tree.isMounted()) && kill(server, 0) != 0)
  }

  @Test("is never measured by the service itself")
  func marked() throws {
    let tree = try PowercapTree()
    let root = try TemporaryFolder()
    for folder in ["proc", "sys/devices/system", "sys/class/powercap"] {
      try FileManager.default.createDirectory(atPath: root.file(folder), withIntermediateDirectories: true)
    }
    let script = """
      set -e; cp $1/proc/cpuinfo $2/proc; cp -r $1/sys/devices/system/cpu $2/sys/devices/system
      mount --bind $3 $2/sys/class/powercap; set +e; exec "$0" serve --check --source powercap --root $2
      """
    let (code, output) = try Child.run(
      ["unshare", "-m", "sh", "-c", script, Executables.service, tree.device.root.path, root.path, tree.folder.path])
    #expect(code == 1 && output.contains("that pkg-watt-stat itself serves"), "\(output)")
  }

  @Test("is gone after SIGTERM, SIGINT, the server's end, and if the command is killed")
  func end() throws {
    for signal in [SIGTERM, SIGINT, SIGKILL] {
      let tree = try PowercapTree()
      let server = try tree.server()
      #expect(try tree.isMounted())
      tree.child.send(signal)
      #expect(try tree.child.exitCode() == (signal == SIGKILL ? 137 : 0), "\(tree.child.output)")
      try wait(for: "the mount to go") { !(try tree.isMounted()) }
      try wait(for: "the server to end") {
        let state = try? String(contentsOfFile: "/proc/\(server)/stat", encoding: .utf8)
        return state.map { $0.contains(") Z ") } ?? true
      }
    }
    let tree = try PowercapTree()
    kill(try tree.server(), SIGKILL)
    #expect(try tree.child.exitCode() == 1)
    #expect(tree.child.output.contains("has ended unexpectedly"), "\(tree.child.output)")
    #expect(!(try tree.isMounted()))
  }

  @Test("is not mounted on a link, a file, another user's folder or nothing, nor without a service")
  func refused() throws {
    let folder = try TemporaryFolder()
    let service = try Service.simulated()
    symlink(folder.path, folder.file("link"))
    try Data().write(to: URL(filePath: folder.file("file")))
    mkdir(folder.file("foreign"), 0o755)
    chown(folder.file("foreign"), 1000, 1000)
    for (name, reason) in [
      ("link", "is a symbolic link"), ("file", "Not a directory"), ("foreign", "belongs to another user"),
      ("none", "does not exist"),
    ] {
      let (code, output) = try Child.run(
        [Executables.service, "powercap", "--socket", service.socket, folder.file(name)])
      #expect(code == 1 && output.contains(reason), "\(output)")
    }
    // An ordinary user, on root's folder and on one that everyone may write to but only its owner may mount on.
    mkdir(folder.file("roots"), 0o755)
    for path in [folder.file("roots"), "/tmp"] {
      let (code, output) = try Child.run(
        Run.nobody + [Executables.service, "powercap", "--socket", service.socket, path])
      #expect(code == 1 && output.contains("sudo pkg-watt-stat powercap \(path)"), "\(output)")
    }
    // Their own, which they may not write to.
    let closed = folder.file("closed")
    mkdir(closed, 0o555)
    let nobody = try #require(getpwnam("nobody")).pointee
    #expect(chown(closed, nobody.pw_uid, nobody.pw_gid) == 0)
    let (refused, reason) = try Child.run(
      Run.nobody + [Executables.service, "powercap", "--socket", service.socket, closed])
    #expect(refused == 1 && reason.contains("you may not write to it"), "\(reason)")
    #expect(!reason.contains("another user"), "\(reason)")
    let (code, output) = try Child.run([Executables.service, "powercap", "--socket", "/nowhere", folder.path])
    #expect(code == 1 && output.contains("No service answers at /nowhere"), "\(output)")
  }

  @Test("of a simulated service says that its energy is invented")
  func simulated() throws {
    let service = try Service.simulated()
    let (code, output) = try Child.run([Executables.service, "with", "--socket", service.socket, "--", "true"])
    #expect(code == 0 && output == "Warning: The service is simulated: all energy in the powercap tree is invented.\n")
  }

  @Test("gives thousands who read byte by byte at the same time whole numbers, beside thousands who never read")
  func crowd() throws {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = min(limit.rlim_max, 8192)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let tree = try PowercapTree()
    let files = try (0..<4000).map { _ in try EnergyFile(tree.path("intel-rapl:0")) }
    let readers = stride(from: 0, to: files.count, by: 2).map { files[$0].descriptor }
    _ = try files[0].microjoules()
    var before: UInt64 = 0
    for _ in 0..<2 {
      // All first bytes, then all second ones: by then there are newer numbers.
      let torn = Mutex<[String]>([])
      let values = Mutex<[UInt64]>([])
      let count = 16
      DispatchQueue.concurrentPerform(iterations: count) { thread in
        let mine = readers.indices.filter { $0 % count == thread }.map { readers[$0] }
        var texts = [[UInt8]](repeating: [], count: mine.count)
        for offset in 0..<20 {
          for (index, descriptor) in mine.enumerated() {
            var byte: UInt8 = 0
            if pread(descriptor, &byte, 1, off_t(offset)) == 1 { texts[index].append(byte) }
          }
        }
        for (descriptor, bytes) in zip(mine, texts) {
          let text = String(decoding: bytes, as: UTF8.self)
          // The rest at once, which is the same number still.
          var rest = [UInt8](repeating: 0, count: 64)
          let got = pread(descriptor, &rest, rest.count, 1)
          if text.hasSuffix("\n"), let value = UInt64(text.dropLast()), rest.prefix(got) == bytes.dropFirst() {
            values.withLock { $0.append(value) }
          } else {
            torn.withLock { $0.append(text) }
          }
        }
      }
      let (odd, all) = (torn.withLock { $0 }, values.withLock { $0 })
      #expect(odd.isEmpty && all.count == readers.count, "\(odd.prefix(3)), \(all.count)")
      let (least, most) = (try #require(all.min()), try #require(all.max()))
      #expect(least >= before && most > least, "\(before), \(least), \(most)")
      before = most
    }
    let memory = try String(contentsOfFile: "/proc/\(tree.server())/status", encoding: .utf8)
    let peak = try #require(
      memory.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }?.split(separator: " ").dropFirst().first)
    #expect(try #require(Int(peak)) < 40_000, "\(peak) kB")
  }

  @Test("does not keep readers that are killed while they wait")
  func killed() throws {
    let tree = try PowercapTree()
    let file = try EnergyFile(tree.path("intel-rapl:0"))
    _ = try file.microjoules()
    kill(try #require(tree.service).child.pid, SIGSTOP)
    sleep(1)
    let waiting = try (0..<20).map { _ in try Child(["cat", tree.path("intel-rapl:0")]) }
    usleep(300_000)
    for reader in waiting { reader.send(SIGKILL) }
    for reader in waiting { #expect(try reader.exitCode(seconds: 1.5) == 137) }
    kill(try #require(tree.service).child.pid, SIGCONT)
    try wait(for: "a value again") { file.read().error == 0 }
  }
}
