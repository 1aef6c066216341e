import Foundation
import Testing

@Suite("top")
struct TopTests {
  private func top(_ service: Service, _ options: String...) throws -> (exitCode: Int32, output: String) {
    try Child.run([Executables.service, "top", "--socket", service.socket] + options, seconds: 30)
  }

  private func tables(_ output: String) throws -> [TopOutput] { try TopOutput.all(in: output) }

  @Test("shows a busy process, whatever its name, in rows that add up")
  func busy() throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let folder = try TemporaryFolder()
    let program = folder.file("a) \u{1B}[31m\n(b")
    try FileManager.default.copyItem(atPath: "/bin/bash", toPath: program)
    let child = try Child([program, "-c", "while :; do :; done"])
    let (code, output) = try top(service, "--json")
    let table = try #require(try tables(output).first)
    #expect(code == 0 && table.status == "simulated" && table.addsUp, "\(output)")
    #expect(table.rows.contains { $0.pid == Int(child.pid) && $0.name == "a) \u{1B}[31m\n(b" }, "\(output)")
    let text = try top(service, "--once", "--pid", "\(child.pid)").output
    #expect(text.contains("a) ?[31m?(b (\(child.pid))") && text.contains("more row"), "\(text)")
    #expect(!text.contains("\u{1B}"))
    child.send(SIGKILL)
    _ = try child.exitCode()
  }

  @Test("follows, in joules that go on", arguments: ["process", "user"])
  func follows(grouping: String) throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let command =
      "'\(Executables.service)' top --socket '\(service.socket)' --by \(grouping) --json --follow | head -n 3"
    let seen = try tables(try Child.run(["sh", "-c", command], seconds: 30).output)
    #expect(seen.count == 3 && seen.allSatisfy(\.addsUp))
    #expect(seen.map(\.joules) == seen.map(\.joules).sorted())
  }

  @Test("knows idle power from the service's history at once, and does without one", arguments: [true, false])
  func history(isThere: Bool) throws {
    let past = isThere ? FakeServer.history() : FakeServer.refusal("later", code: "busy")
    let samples = ["100", "300"].enumerated().map { index, joules in
      FakeServer.sample(watts: "200", joules: joules, monotonic: "\(1000 + index)", sequence: "\(1 + index)")
    }
    let server = try FakeServer(
      answers: FakeServer.answers(
        history: past, subscribe: ([FakeServer.subscribed("1")] + samples).joined(separator: "\n")))
    let (code, output) = try Child.run([Executables.service, "top", "--json", "--socket", server.socket], seconds: 30)
    let table = try #require(try tables(output).first, "\(output)")
    #expect(code == 0 && table.watts == 200 && table.addsUp, "\(output)")
    let idle = table.idle
    if isThere {
      // The window had 200 W, but the service remembers 42.5 W: the most, or what idle power was before if nothing was busy.
      #expect(idle.watts <= 42.5 && [idle.watts_at_least, idle.watts_at_most].contains(42.5), "\(output)")
    } else {
      #expect(idle.watts <= 200 && idle.watts_at_most == 200, "\(output)")
    }
  }

  @Test(
    "refuses what it cannot show in one sentence",
    arguments: [
      (["--pid", "0"], "--pid cannot be 0"), (["--by", "user", "--pid", "1"], "--pid needs --by process"),
      (["--once", "--follow"], "cannot be used together"),
      (["--once", "--pid", "99999999"], "No process with the number"),
      (["--once", "--unit", "no-such.service"], "Nothing runs in a unit named no-such.service"),
    ])
  func refuses(options: [String], sentence: String) throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let (code, output) = try Child.run([Executables.service, "top", "--socket", service.socket] + options, seconds: 30)
    #expect(code != 0 && output.contains(sentence), "\(output)")
  }
}

@Suite("The full screen of top", .serialized, .enabled(if: Tmux.isThere, Comment(rawValue: Tmux.isNeeded)))
struct TopScreenTests {
  private func top(_ service: Service, _ options: String = "") -> String {
    "\(Executables.service) top --socket \(service.socket) \(options)"
  }

  /// Whether these rows are the table, drawn for this size, in rows that add up.
  private func isTable(_ screen: [String], _ columns: Int, _ rows: Int) -> Bool {
    let numbers = screen.compactMap { $0.firstMatch(of: #/^[> ] +(\d+\.\d\d) +(\d+\.\d\d) +\S/#) }.map { match in
      [match.output.1, match.output.2].map { Int($0.replacing(".", with: "")) ?? -1 }
    }
    guard screen.count == rows, screen.allSatisfy({ $0.count <= columns }), let total = numbers.last else {
      return false
    }
    return screen[0].contains(#/^\d+\.\d\d W \(simulated\)/#) && screen[1].contains("an estimate by CPU time")
      && screen.contains { $0.contains("  total") } && screen.contains { $0.hasPrefix("> ") }
      && (0...1).allSatisfy { column in numbers.dropLast().reduce(0) { $0 + $1[column] } == total[column] }
      && screen[rows - 1].contains("q quit")
  }

  @Test("fills it, follows its size, and gives the terminal back", arguments: ["q", "C-c"])
  func life(ending: String) throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let script = "trap : INT; echo seen before; \(top(service)); echo code $?; read -r line"
    let terminal = try Tmux(columns: 80, rows: 24, script)
    try terminal.wait(for: "the table") { isTable($0, 80, 24) }
    #expect(try terminal.value("#{alternate_on}#{cursor_flag}") == "10")
    try terminal.resize(columns: 132, rows: 40)
    try terminal.wait(for: "the larger table") { isTable($0, 132, 40) }
    try terminal.resize(columns: 1, rows: 1)
    try terminal.wait(for: "an empty screen") { $0 == [""] }
    try terminal.resize(columns: 80, rows: 24)
    try terminal.wait(for: "the table again") { isTable($0, 80, 24) }
    try terminal.press(ending)
    let screen = try terminal.wait(for: "the shell") { $0.contains("code 0") }
    #expect(screen.filter { !$0.isEmpty } == ["seen before", "code 0"])
    #expect(try terminal.value("#{alternate_on}#{cursor_flag}#{wrap_flag}") == "011")
  }

  @Test("obeys its keys, and no process's name steers the terminal")
  func keys() throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let folder = try TemporaryFolder()
    let program = folder.file("evil\u{1B}[2J\n(b")
    try FileManager.default.copyItem(atPath: "/bin/bash", toPath: program)
    let child = try Child([program, "-c", "while :; do :; done"])
    defer { child.send(SIGKILL) }
    let terminal = try Tmux(columns: 100, rows: 30, top(service))
    try terminal.wait(for: "the table") { isTable($0, 100, 30) }
    try terminal.press("/", "evil", "Enter")
    let name = "evil?[2J?(b (\(child.pid))"
    try terminal.wait(for: "the filtered row") { screen in
      isTable(screen, 100, 30) && screen.contains { $0.hasPrefix("> ") && $0.contains(name) }
        && screen.contains { $0.contains(" more row") } && screen[29].hasPrefix("filter: evil ")
        && screen.contains { $0.hasPrefix(name) && $0.contains("the last ") }
    }
    try terminal.press("p")
    let paused = try terminal.wait(for: "the pause") { $0[29].hasPrefix("PAUSED") }
    try terminal.press("?")
    try terminal.wait(for: "help") { $0.contains { $0.contains("pause or continue") } }
    try terminal.press("?")
    try terminal.wait(for: "the same numbers") { $0 == paused }
    try terminal.press("p", "Escape", "n")
    try terminal.wait(for: "all rows") { isTable($0, 100, 30) && $0[29].hasPrefix("q quit") }
    // Without cgroups of version 2, which tests in containers may lack, units are refused in a sentence.
    try terminal.press("b")
    try terminal.wait(for: "units, or why not") { screen in
      screen[1].contains("by unit") || screen.contains { $0.contains("--by unit needs cgroup v2") }
    }
  }

  /// The number of the program that the terminal's shell has started.
  private func program(_ terminal: Tmux) throws -> pid_t {
    let shell = try terminal.value("#{pane_pid}")
    let children = try String(contentsOfFile: "/proc/\(shell)/task/\(shell)/children", encoding: .utf8)
    return try #require(pid_t(children.trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  @Test("gives the terminal back whatever signal ends it", arguments: [SIGUSR1, SIGALRM, SIGXCPU])
  func ended(signal: Int32) throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let terminal = try Tmux(columns: 80, rows: 24, "\(top(service)); echo code $?; read -r line")
    try terminal.wait(for: "the table") { isTable($0, 80, 24) }
    kill(try program(terminal), signal)
    try terminal.wait(for: "the shell") { $0.contains("code 0") }
    #expect(try terminal.value("#{alternate_on}#{cursor_flag}#{wrap_flag}") == "011")
  }

  @Test("takes many keys at once, none of them for another")
  func manyKeys() throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let terminal = try Tmux(columns: 80, rows: 24, "\(top(service)); true")
    try terminal.wait(for: "the table") { isTable($0, 80, 24) }
    try terminal.press("/", "(", "Enter")
    try terminal.wait(for: "the filter") { $0[23].hasPrefix("filter: ( ") }
    let program = try program(terminal)
    kill(program, SIGSTOP)
    for _ in 0..<3 { try terminal.press("-N", "22", "Down") }
    try terminal.press("?")
    kill(program, SIGCONT)
    try terminal.wait(for: "help, with the filter") { screen in
      screen.contains { $0.contains("pause or continue") } && screen[23].hasPrefix("filter: ( ")
    }
  }

  @Test("gives it back while it is stopped, takes it again, and follows a service that restarts")
  func stopping() throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let terminal = try Tmux(columns: 80, rows: 24, "exec sh -i")
    try terminal.press(top(service), "Enter")
    try terminal.wait(for: "the table") { isTable($0, 80, 24) }
    try terminal.press("C-z")
    try terminal.wait(for: "the shell") { $0.contains { $0.contains("Stopped") } }
    #expect(try terminal.value("#{alternate_on}#{cursor_flag}") == "01")
    try terminal.press("fg", "Enter")
    try terminal.wait(for: "the table again") { isTable($0, 80, 24) }
    #expect(try service.stop() == 0)
    let screen = try terminal.wait(for: "the note") { $0[0].contains("W (no service, ") }
    #expect(screen.contains { $0.contains("Trying to connect every second.") })
    let second = try Child([Executables.service, "--source", "simulated", "--socket", service.socket])
    try terminal.wait(for: "the table of the second service") { isTable($0, 80, 24) }
    #expect(second.isRunning)
  }

  @Test("is tables on a dumb terminal and with --follow, and ASCII if asked for")
  func plain() throws {
    let service = try Service.simulated(["--interval", "0.5"])
    for (options, environment) in [("", "TERM=dumb"), ("--follow", "")] {
      let terminal = try Tmux(
        columns: 160, rows: 50, top(service, options + " --by user"), environment: environment)
      try terminal.wait(for: "a table") { $0[0].contains("Who drew it is an estimate by CPU time.") }
      #expect(try terminal.value("#{alternate_on}") == "0")
    }
    let ascii = try Tmux(columns: 80, rows: 24, top(service, "--ascii"))
    let screen = try ascii.wait(for: "the table") { isTable($0, 80, 24) }
    #expect(screen.allSatisfy { $0.utf8.allSatisfy { $0 < 0x80 } })
  }

  @Test("ends with a sentence where there is no service")
  func noService() throws {
    let terminal = try Tmux(
      columns: 80, rows: 24, "\(Executables.service) top --socket /nonexistent; echo code $?; read -r line")
    let screen = try terminal.wait(for: "the end") { $0.contains("code 1") }
    #expect(screen[0].hasPrefix("Error: No service answers at /nonexistent"))
  }
}
