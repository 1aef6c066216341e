import Foundation
import Testing

/// `top` on the real files of this machine, where something is hidden, missing, or changes all the time.
@Suite(
  "top on a difficult machine", .serialized, .enabled(if: Executables.isRoot, Comment(rawValue: Executables.needsRoot)))
struct TopSurroundingsTests {
  /// Ends all mounts of cgroups, in a mount namespace.
  private static let noCgroups = """
    set -e
    for point in $(sed -n 's/^[^ ]* [^ ]* [^ ]* [^ ]* \\([^ ]*\\) .* - cgroup2\\{0,1\\} .*/\\1/p' /proc/self/mountinfo); do
      umount -l "$(printf '%b' "$point")"
    done
    """

  private static let busy = "while :; do :; done"

  /// Starts a program in a mount namespace of its own, after a script, for which $0 is a folder.
  private func start(_ program: [String], after script: String, _ folder: TemporaryFolder) throws -> Child {
    try Child(["unshare", "-m", "bash", "-c", "set -e; \(script)\n" + #"exec "$@""#, folder.path] + program)
  }

  /// What follows tables of a service until it is ended.
  private func top(_ service: Service, by grouping: String) -> [String] {
    [Executables.service, "top", "--socket", service.socket, "--json", "--follow", "--by", grouping]
  }

  /// Waits for a table with something in it, and checks that all tables add up.
  private func find(_ what: String, in top: Child, _ isThere: (TopOutput) -> Bool) throws {
    try wait(seconds: 30, for: what) {
      guard top.isRunning else { throw TestFailure("top ended: \(top.output)") }
      // The last line may be half a table.
      let whole = top.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().joined(separator: "\n")
      let tables = try TopOutput.all(in: whole)
      #expect(!tables.contains { !$0.addsUp }, "\(whole)")
      return tables.contains(where: isThere)
    }
  }

  @Test("puts processes that a user cannot see in a row of their own (hidepid)")
  func hidden() throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let busy = try Child(["sh", "-c", Self.busy])
    let nobody = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]
    let tops = try ["process", "user"].map { grouping in
      try start(nobody + top(service, by: grouping), after: "mount -t proc -o hidepid=2 proc /proc", service.folder)
    }
    for (top, own) in zip(tops, ["pkg-watt-stat", "nobody"]) {
      try find("hidden processes, and \(own)", in: top) { table in
        #expect(!table.rows.contains { $0.pid == Int(busy.pid) || $0.name == "root" })
        return table.hidden?.cpu_seconds ?? 0 > 0 && table.rows.contains { $0.name == own }
      }
    }
    busy.send(SIGKILL)
  }

  @Test(
    "shows a fork bomb in its unit's row, whether processes live long enough to be seen or not",
    .enabled(if: ControlGroup.lack == nil, Comment(rawValue: ControlGroup.lack ?? "")))
  func forkBomb() throws {
    let service = try Service.simulated(["--interval", "0.25"])
    let group = try ControlGroup(".scope")
    let tops = try ["process", "unit"].map { try start(top(service, by: $0), after: ":", service.folder) }
    // No more than 100 processes of a user who has no others. Those that find no room end after a while, but for the first.
    let bomb = try group.run(
      "setpriv", "--reuid", "2718281", "--regid", "2718281", "--clear-groups", "prlimit", "--nproc=100", "python3",
      "-c",
      """
      import os, signal
      signal.signal(signal.SIGCHLD, signal.SIG_IGN)
      first, failures = os.getpid(), 0
      while True:
          try:
              os.fork()
          except OSError:
              failures += 1
              if failures % 20 == 0 and os.getpid() != first: os._exit(0)
      """)
    for (top, name) in zip(tops, ["ended processes of \(group.name)", group.name]) {
      try find(name, in: top) { $0.rows.contains { $0.name == name && $0.cpu_seconds ?? 0 > 0 } }
    }
    #expect(bomb.isRunning)
  }

  struct Mounts: CustomTestStringConvertible {
    let testDescription: String
    /// Mounts what there is, somewhere below the folder $0.
    let script: String
    var note: String?
  }

  @Test(
    "finds cgroup v2 wherever it is mounted, and says what it lacks",
    .enabled(if: ControlGroup.lack == nil, Comment(rawValue: ControlGroup.lack ?? "")),
    arguments: [
      Mounts(
        testDescription: "version 1 too",
        script: """
          mkdir $0/v1 $0/v2; mount -t cgroup2 none $0/v2
          mount -t cgroup -o none,name=pkg-watt-stat-test none $0/v1 || { echo no version 1; exec sleep 100; }
          """, note: "Note: cgroup v2 is mounted beside version 1 here"),
      Mounts(testDescription: "only for itself", script: #"mkdir "$0/a b"; mount -t cgroup2 none "$0/a b""#),
    ])
  func cgroups(mounts: Mounts) throws {
    let service = try Service.simulated(["--interval", "0.25"])
    let group = try ControlGroup(".service")
    let busy = try group.run("sh", "-c", Self.busy)
    let top = try start(top(service, by: "unit"), after: "\(Self.noCgroups); \(mounts.script)", service.folder)
    try wait(for: "its beginning") { top.output.contains("{") || top.output.contains("no version 1\n") }
    if top.output.contains("no version 1\n") { return }
    try find(group.name, in: top) { $0.rows.contains { $0.name == group.name && $0.cpu_seconds ?? 0 > 0 } }
    #expect(top.output.contains("Note: ") == (mounts.note != nil) && top.output.contains(mounts.note ?? "{"))
    busy.send(SIGKILL)
  }

  @Test("goes on without cgroup v2 by process, and refuses what needs it in one sentence")
  func noCgroups() throws {
    let service = try Service.simulated(["--interval", "0.25"])
    let busy = try Child(["sh", "-c", Self.busy])
    let top = try start(top(service, by: "process"), after: Self.noCgroups, service.folder)
    for (options, sentence) in [
      (["top", "--by", "unit"], "--by unit needs cgroup v2, which is not mounted here"),
      (["exporter", "--units", "3"], "--units needs cgroup v2, which is not mounted here."),
    ] {
      let refused = try start([Executables.service] + options, after: Self.noCgroups, service.folder)
      let code = try refused.exitCode()
      #expect(code == 1 && refused.output.contains("Error: \(sentence)"), "\(refused.output)")
    }
    try find("the busy process", in: top) { $0.rows.contains { $0.pid == Int(busy.pid) } }
    #expect(top.output.contains("Note: cgroup v2 is not mounted here"))
    busy.send(SIGKILL)
  }

  /// Whether the next process's number can be chosen.
  private static let choosesNumbers = access("/proc/sys/kernel/ns_last_pid", W_OK) == 0

  @Test(
    "takes a process with the number of another that ended in the same window for a new one",
    .enabled(if: choosesNumbers, "the kernel cannot choose a process's number: it lacks CONFIG_CHECKPOINT_RESTORE"))
  func reusedNumber() throws {
    let service = try Service.simulated(["--interval", "0.25"])
    let script = """
      out=$1/out
      "${@:2}" >$out 2>&1 & top=$!
      seen() { until grep -q "$1" $out; do kill -0 $top || exit; sleep 0.02; done; }
      begin() { echo 4710 >/proc/sys/kernel/ns_last_pid; bash -c "printf $1 >/proc/self/comm; \(Self.busy)" & }
      seen '{'; begin first; seen '"name": "first", "pid": 4711'
      kill -9 $!; wait $! 2>/dev/null
      begin second; seen '"name": "second", "pid": 4711'
      kill -9 $!; kill $top; wait $top; cat $out
      """
    let (_, output) = try Child.run(
      ["unshare", "-m", "-p", "-f", "--mount-proc", "bash", "-c", script, "bash", service.folder.path]
        + top(service, by: "process"), seconds: 30)
    let tables = try TopOutput.all(in: output)
    #expect(tables.count >= 3 && tables.allSatisfy(\.addsUp), "\(output)")
    let rows = tables.flatMap { table in table.rows.filter { $0.pid == 4711 }.map { ($0, table.window_seconds) } }
    let (second, window) = try #require(rows.first { $0.0.name == "second" }, "\(output)")
    #expect(rows.contains { $0.0.name == "first" })
    // It has drawn what it draws since it began, and nothing of what the first one did.
    #expect(abs(second.joules - second.watts * window) <= 0.03, "\(output)")
    #expect(second.cpu_seconds ?? 0 <= window * 1.1, "\(output)")
    // Processes outside of the namespace.
    #expect(tables.last?.hidden != nil, "\(output)")
  }
}
