import Foundation
import Testing

/// A service whose registers are opened by its manager, as systemd does it with OpenFile= or its descriptor store: the service itself
/// has no right to open any.
@Suite(
  "Registers that the service manager has opened", .serialized, .enabled(if: Executables.isRoot, "needs root"),
  .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
struct PassedRegistersTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Opens files as `KIND=NAME=PATH` says, passes them from descriptor 3 on, and becomes the program without any capability.
  /// Kinds are the modes of open(2), "path" (O_PATH) and "closed"; "twice" passes what is before it again.
  private static let manager = """
    import os, sys
    kinds = {"read": os.O_RDONLY, "write": os.O_WRONLY, "both": os.O_RDWR, "path": os.O_PATH}
    files, names = [], []
    rest = sys.argv[1:]
    while (word := rest.pop(0)) != "--":
        kind, name, path = word.split("=", 2)
        files.append(files[-1] if kind == "twice" else None if kind == "closed" else os.open(path, kinds[kind]))
        names.append(name)
    files = [None if file is None else os.dup2(os.dup(file), 100 + i) for i, file in enumerate(files)]
    os.closerange(3, 100)
    for i, file in enumerate(files):
        if file is not None: os.dup2(file, 3 + i)
    os.closerange(100, 200)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(names)), LISTEN_FDNAMES=":".join(names))
    os.execvp("setpriv", ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", *rest])
    """

  private func arguments(_ files: [String], root: String?, source: String = "passed") -> [String] {
    ["python3", "-c", Self.manager] + files + [
      "--", Executables.service, "serve", "--source", source, "--socket", folder.file("watts.sock"), "--interval",
      "0.5",
    ] + (root.map { ["--root", $0] } ?? [])
  }

  private func nodes(_ device: Device, _ cpus: ClosedRange<Int>) -> [String] {
    cpus.map { "read=msr\($0)=\(device.root.file("dev/cpu/\($0)/msr"))" }
  }

  private func start(_ files: [String], _ device: Device) throws -> Child {
    let child = try Child(arguments(files, root: device.root.path))
    try wait(for: "it to serve") {
      guard child.isRunning else { throw TestFailure("it ended: \(child.output)") }
      return child.output.contains("Ready: serving at")
    }
    return child
  }

  @Test("are measured without any capability, in no thread and in no set")
  func withoutCapability() throws {
    let device = try Device(["--watts", "42.5", "--watts", "17.25"])
    let child = try start(nodes(device, 0...3), device)
    let client = try Client(folder.file("watts.sock"))
    for _ in 0..<3 {
      let reading = try client.reading()
      #expect(reading.status == "ok" && abs(reading.power_watts - 59.75) <= 59.75 * 0.02, "\(reading)")
    }
    #expect(child.output.contains("2 packages, from its msr registers, which the service manager has opened"))
    #expect(!child.output.contains("WARNING"), "\(child.output)")
    let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(child.pid)/task")
    #expect(tasks.count >= 2)
    for task in tasks {
      let status = try String(contentsOfFile: "/proc/\(child.pid)/task/\(task)/status", encoding: .utf8)
      for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        #expect(status.contains("\(set):\t0000000000000000\n"), "\(status)")
      }
      #expect(status.contains("NoNewPrivs:\t1\n"))
    }
    child.send(SIGTERM)
    #expect(try child.exitCode() == 0)
  }

  @Test("are read through a neighbour while a CPU is offline, and it is known again when it comes back")
  func offlineCPU() throws {
    let device = try Device(["--watts", "42.5"])
    let child = try start(nodes(device, 0...1), device)
    let client = try Client(folder.file("watts.sock"))
    for cpu in [0, 1] {
      try device.setOnline(cpu...cpu, false)
      for _ in 0..<3 {
        let reading = try client.reading()
        #expect(reading.status == "ok" && abs(reading.power_watts - 42.5) <= 42.5 * 0.02, "\(reading)")
      }
      try device.setOnline(cpu...cpu, true)
    }
    #expect(child.isRunning, "\(child.output)")
  }

  @Test("a CPU that comes online later and was not passed ends the service with 75, to be passed by the next start")
  func laterCPU() throws {
    let device = try Device(["--watts", "42.5"])
    try device.setOnline(1...1, false)
    let child = try start(nodes(device, 0...0), device)
    let client = try Client(folder.file("watts.sock"))
    #expect(try client.reading().status == "ok")
    try device.setOnline(1...1, true)
    #expect(try child.exitCode(seconds: 20) == 75)
    #expect(child.output.contains("Error: CPU 1 came online after startup, and the service manager has not passed its"))
    let next = try start(nodes(device, 0...1), device)
    #expect(try Client(folder.file("watts.sock")).reading().status == "ok")
    #expect(next.isRunning)
  }

  @Test("what is not the node of its CPU, open to read only, is refused with what to do")
  func refused() throws {
    let device = try Device(["--watts", "42.5"])
    func path(_ cpu: Int) -> String { device.root.file("dev/cpu/\(cpu)/msr") }
    let good = "read=msr0=\(path(0))"
    let plain = folder.file("plain")
    try "text".write(toFile: plain, atomically: false, encoding: .utf8)
    let cases: [(files: [String], says: String)] = [
      ([], "The service manager has passed no register node (/dev/cpu/*/msr). To do: sudo systemctl daemon-reload"),
      ([good], "CPU 1 is online, but the service manager has not passed its register node, \(path(1))."),
      (
        [good, "read=msr1=\(path(0))"], "Descriptor 4 (msr1) from the service manager is not the register node of CPU 1"
      ),
      (
        [good, "read=msr1=/dev/null"], "Descriptor 4 (msr1) from the service manager is not the register node of CPU 1"
      ),
      (
        [good, "read=msr1=\(plain)"],
        "is not the register node of CPU 1; pass that: OpenFile=/dev/cpu/1/msr:msr1:read-only"
      ),
      (["read=msr0=/dev"], "Descriptor 3 (msr0) from the service manager is not the register node of CPU 0"),
      (["read=msr0=/dev/cpu"], "Descriptor 3 (msr0) from the service manager is not the register node of CPU 0"),
      (["write=msr0=\(plain)"], "Descriptor 3 (msr0) from the service manager is not open for reading"),
      (["path=msr0=\(path(0))"], "Descriptor 3 (msr0) from the service manager is not open for reading"),
      (["both=msr0=\(plain)"], "Descriptor 3 (msr0) from the service manager is open for writing too"),
      ([good, "closed=msr1="], "Descriptor 4 (msr1) from the service manager is not open: Bad file descriptor"),
      ([good, "twice=msr0="], "Descriptors 3 and 4 from the service manager are both the register node of CPU 0"),
      (["read=msr=\(path(0))"], "Descriptor 3 from the service manager is named msr, but a register node's name is"),
      (["read=msr00=\(path(0))"], "is named msr00, but a register node's name is msr and the number of its CPU"),
      (["read=msr+0=\(path(0))"], "is named msr+0, but"), (["read=msr-1=\(path(0))"], "is named msr-1, but"),
      (["read=msr99999999999999999999=\(path(0))"], "is named msr99999999999999999999, but"),
      (["read=msr4294967296=\(path(0))"], "is named msr4294967296, but"),
      (
        [good, "read=msr1=\(path(1))", "read=other=\(path(1))"],
        "Descriptor 5 from the service manager is not a Unix stream"
      ),
    ]
    for (files, says) in cases {
      let run = try Child.run(arguments(files, root: device.root.path))
      #expect(run.exitCode == 1 && run.output.contains(says), "\(files): \(run.output)")
      #expect(run.output.split(separator: "\n").count <= 4, "\(run.output)")
    }
  }

  @Test("are refused if the service is not to use them")
  func unwanted() throws {
    let device = try Device(["--watts", "42.5"])
    for source in ["auto", "msr", "simulated"] {
      let root = source == "simulated" ? nil : device.root.path
      let run = try Child.run(arguments(nodes(device, 0...1), root: root, source: source))
      #expect(run.exitCode == 1, "\(run.output)")
      #expect(run.output.contains("has passed register nodes (msr0), but --source \(source) does not use them"))
    }
  }

  @Test("a regular file never stands for a node of the machine itself")
  func ownMachine() throws {
    let device = try Device(["--watts", "42.5"])
    let run = try Child.run(arguments(nodes(device, 0...1), root: nil))
    #expect(run.exitCode == 1)
    #expect(
      run.output.contains("Descriptor 3 (msr0) from the service manager is not the register node"), "\(run.output)")
  }

  /// Keeps what it is sent by name, as systemd before 253 does, while the command runs, and then passes that on. `stale` is there
  /// before.
  private static let store = """
    import array, os, socket, subprocess, sys
    path, step, *rest = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(path)
    kept = [("msr1", os.open("/dev/null", os.O_RDONLY))]
    command = subprocess.Popen([step, "pass-registers"], env=os.environ | {"NOTIFY_SOCKET": path})
    listener.settimeout(20)
    while True:
        text, files, _, _ = socket.recv_fds(listener, 4096, 10)
        words = dict(line.split("=", 1) for line in text.decode().splitlines())
        if "BARRIER" in words: break
        if "FDSTOREREMOVE" in words: kept = [entry for entry in kept if entry[0] != words["FDNAME"]]
        if "FDSTORE" in words: kept += [(words["FDNAME"], file) for file in files]
    # Until the pipe is closed, the step waits.
    try: command.wait(1); sys.exit("it did not wait")
    except subprocess.TimeoutExpired: pass
    for file in files: os.close(file)
    if command.wait(10) != 0: sys.exit("the step failed")
    kept = [(name, os.dup2(os.dup(file), 100 + i)) for i, (name, file) in enumerate(kept)]
    os.closerange(3, 100)
    for i, (_, file) in enumerate(kept): os.dup2(file, 3 + i)
    os.closerange(100, 200)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(kept)), LISTEN_FDNAMES=":".join(name for name, _ in kept))
    os.execvp("setpriv", ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", *rest])
    """

  private static let overlay = """
    mkdir -p /dev/cpu && mount --bind $1/dev/cpu /dev/cpu && mount --bind $1/sys/devices/system/cpu /sys/devices/system/cpu &&
      shift && exec "$@"
    """

  @Test("root's step gives the nodes of all CPUs that are online to the manager's store, in the place of older ones")
  func rootStep() throws {
    let device = try Device(["--watts", "42.5", "--watts", "17.25"])
    let service = [
      Executables.service, "serve", "--source", "passed", "--socket", folder.file("watts.sock"), "--root",
      device.root.path,
    ]
    let child = try Child(
      ["unshare", "-m", "sh", "-c", Self.overlay, "sh", device.root.path, "python3", "-c", Self.store]
        + [folder.file("notify.sock"), Executables.service] + service)
    try wait(seconds: 20, for: "it to serve") {
      guard child.isRunning else { throw TestFailure("it ended: \(child.output)") }
      return child.output.contains("Ready: serving at")
    }
    let reading = try Client(folder.file("watts.sock")).reading()
    #expect(reading.status == "ok" && abs(reading.power_watts - 59.75) <= 59.75 * 0.02, "\(reading)")
  }

  @Test("root's step says why it cannot do it")
  func failedStep() throws {
    let device = try Device(["--watts", "42.5"])
    let overlay = ["unshare", "-m", "sh", "-c", Self.overlay, "sh", device.root.path]
    let step = [Executables.service, "pass-registers"]
    let alone = try Child.run(step)
    #expect(alone.exitCode == 1 && alone.output.contains("There is no service manager to give register nodes to"))
    let gone = try Child.run(["env", "NOTIFY_SOCKET=\(folder.file("none"))"] + step)
    #expect(gone.exitCode == 1 && gone.output.contains("Cannot reach the service manager at NOTIFY_SOCKET="))
    let manager = try NotificationSocket(folder.file("notify.sock"))
    let hidden = "umount /dev/cpu; mount -t tmpfs none /dev/cpu; exec \"$@\""
    let missing = try Child.run(
      overlay + ["sh", "-c", hidden, "sh", "env", "NOTIFY_SOCKET=\(manager.path)"] + step)
    #expect(missing.exitCode == 1 && missing.output.contains("Cannot open /dev/cpu/0/msr"), "\(missing.output)")
  }
}
