import Foundation
import Testing

@Suite("The live view on a terminal", .serialized, .enabled(if: Tmux.isThere, Comment(rawValue: Tmux.isNeeded)))
struct WatchTests {
  private func watch(_ service: Service, _ options: String = "") -> String {
    "\(Executables.service) watch --socket \(service.socket) \(options)"
  }

  /// Whether these rows are the view, drawn for this size.
  private func isView(_ screen: [String], _ columns: Int, _ rows: Int) -> Bool {
    screen.count == rows && screen.allSatisfy { $0.count <= columns }
      && screen[0].contains(#/^\d+\.\d\d W \(simulated\)   .*CPU package/#)
      && screen[rows - 1].hasPrefix("q quit   + - zoom")
      && screen.contains { $0.hasSuffix("now") && $0.count == columns }
      && screen.contains { $0.contains(#/^( *\d+ W ┤| +│).*[▁▂▃▄▅▆▇█]/#) }
  }

  @Test("fills it, whatever its size", arguments: [(80, 24), (200, 50)])
  func sizes(columns: Int, rows: Int) throws {
    let service = try Service.simulated()
    let terminal = try Tmux(columns: columns, rows: rows, watch(service))
    try terminal.wait(for: "the view") { isView($0, columns, rows) }
    #expect(try terminal.value("#{alternate_on}#{cursor_flag}") == "10")
    let escapes = try terminal.screen(hasEscapes: true).joined()
    #expect(escapes.contains("\u{1B}[32m"))
  }

  @Test("follows its size, down to one character and back")
  func resize() throws {
    let service = try Service.simulated()
    let terminal = try Tmux(columns: 80, rows: 24, watch(service))
    try terminal.wait(for: "the view") { isView($0, 80, 24) }
    try terminal.resize(columns: 132, rows: 40)
    try terminal.wait(for: "the larger view") { isView($0, 132, 40) }
    try terminal.resize(columns: 20, rows: 5)
    try terminal.wait(for: "the small view") { $0.count == 5 && $0[0].contains(/^\d+\.\d+ W \(?simulated\)?$/) }
    try terminal.resize(columns: 1, rows: 1)
    try terminal.wait(for: "an empty view") { $0 == [""] }
    try terminal.resize(columns: 80, rows: 24)
    try terminal.wait(for: "the view again") { isView($0, 80, 24) }
  }

  @Test("gives the terminal back as it was", arguments: ["q", "C-c", "SIGTERM"])
  func ending(how: String) throws {
    let service = try Service.simulated()
    let folder = try TemporaryFolder()
    let (before, after) = (folder.file("before"), folder.file("after"))
    let script = [
      "trap : INT", "echo seen before", "stty -a > \(before)", watch(service), "echo code $?", "stty -a > \(after)",
      "read -r line",
    ]
    let terminal = try Tmux(columns: 80, rows: 24, script.joined(separator: "; "))
    try terminal.wait(for: "the view") { isView($0, 80, 24) }
    if how == "SIGTERM" {
      let shell = try terminal.value("#{pane_pid}")
      let children = try String(contentsOfFile: "/proc/\(shell)/task/\(shell)/children", encoding: .utf8)
      kill(try #require(pid_t(children.trimmingCharacters(in: .whitespacesAndNewlines))), SIGTERM)
    } else {
      try terminal.press(how)
    }
    let screen = try terminal.wait(for: "the shell") { $0.contains { $0 == "code 0" } }
    #expect(screen.filter { !$0.isEmpty } == ["seen before", "code 0"])
    try wait(for: "the mode") { FileManager.default.contents(atPath: after)?.isEmpty == false }
    #expect(FileManager.default.contents(atPath: before) == FileManager.default.contents(atPath: after))
    #expect(try terminal.value("#{alternate_on}#{cursor_flag}#{wrap_flag}") == "011")
  }

  @Test("gives it back while it is stopped, and takes it again")
  func stopping() throws {
    let service = try Service.simulated()
    let terminal = try Tmux(columns: 80, rows: 24, "exec sh -i")
    try terminal.press(watch(service), "Enter")
    try terminal.wait(for: "the view") { isView($0, 80, 24) }
    try terminal.press("C-z")
    try terminal.wait(for: "the shell") { $0.contains { $0.contains("Stopped") } }
    #expect(try terminal.value("#{alternate_on}#{cursor_flag}") == "01")
    try terminal.press("fg", "Enter")
    try terminal.wait(for: "the view again") { isView($0, 80, 24) }
    try terminal.press("q")
    try terminal.wait(for: "the shell again") { !isView($0, 80, 24) }
    #expect(try terminal.value("#{alternate_on}#{cursor_flag}") == "01")
  }

  @Test("says when the service has gone, and goes on when it is there again")
  func restart() throws {
    let service = try Service.simulated()
    let terminal = try Tmux(columns: 80, rows: 24, watch(service))
    try terminal.wait(for: "the view") { isView($0, 80, 24) }
    #expect(try service.stop() == 0)
    let screen = try terminal.wait(for: "the note") { $0[0].contains("W (no service, ") }
    #expect(screen[1].contains("ended"))
    let second = try Child([Executables.service, "--source", "simulated", "--socket", service.socket])
    try terminal.wait(for: "the view again") { isView($0, 80, 24) }
    #expect(second.isRunning)
  }

  @Test("obeys its keys")
  func keys() throws {
    let service = try Service.simulated()
    let terminal = try Tmux(columns: 80, rows: 24, watch(service))
    try terminal.wait(for: "the view") { isView($0, 80, 24) }
    try terminal.press("?")
    try terminal.wait(for: "help") { $0.contains { $0.contains("pause or continue") } }
    try terminal.press("?")
    try terminal.press("p")
    try terminal.wait(for: "the pause") { $0[23].hasPrefix("PAUSED") && $0.contains { $0.hasSuffix("paused") } }
    try terminal.press("p")
    try terminal.press("-")
    try terminal.wait(for: "the longer time") { $0.contains { $0.contains("-2 min ") } }
  }

  @Test("is plain lines on a dumb terminal, and without colours where none are wanted")
  func plain() throws {
    let service = try Service.simulated()
    let dumb = try Tmux(columns: 80, rows: 24, watch(service), environment: "TERM=dumb")
    try dumb.wait(for: "two lines") {
      $0[0].contains(/^\d+\.\d W \(simulated\)  min \d+\.\d  mean \d+\.\d  max \d+\.\d$/) && $0[1].contains("  max ")
    }
    #expect(try dumb.value("#{alternate_on}") == "0")
    let colourless = try Tmux(columns: 80, rows: 24, watch(service), environment: "NO_COLOR=1")
    try colourless.wait(for: "the view") { isView($0, 80, 24) }
    #expect(try !colourless.screen(hasEscapes: true).joined().contains(/\e\[[0-9;]*[349][0-7]m/))
    let ascii = try Tmux(columns: 80, rows: 24, watch(service, "--ascii"))
    let screen = try ascii.wait(for: "the view") { $0[23].hasPrefix("q quit") && $0.contains { $0.contains("#") } }
    #expect(screen.allSatisfy { $0.utf8.allSatisfy { $0 < 0x80 } })
  }

  @Test(
    "shows each package and domain as it is drawn, and says when that cannot be read",
    .enabled(if: Executables.hasDevice, Comment(rawValue: Executables.needsDevice)))
  func truth() throws {
    let device = try Device(["--watts", "42.5", "--watts", "17.25"])
    let service = try Service(["--source", "msr", "--root", device.root.path, "--interval", "0.5"])
    let terminal = try Tmux(columns: 100, rows: 30, watch(service))
    func watts(_ name: String, _ screen: [String]) -> [Double] {
      screen.filter { $0.hasPrefix(name + "  ") }.compactMap { row in
        row.split(separator: " ").first { Double($0) != nil && $0.contains(".") }.flatMap { Double($0) }
      }
    }
    let expected = [("total", [59.75]), ("package 0", [42.5]), ("package 1", [17.25]), ("  core", [29.75, 12.075])]
    let screen = try terminal.wait(for: "what is drawn") { screen in
      expected.allSatisfy { name, all in
        let shown = watts(name, screen)
        return shown.count == all.count && zip(shown, all).allSatisfy { abs($0 - $1) <= $1 * 0.01 }
      }
    }
    #expect(screen[0].contains(#/^\d+\.\d\d W   2 CPU packages, mean of /#))
    try device.control("eio 0 on")
    let stale = try terminal.wait(for: "the note") { $0[0].contains("W (stale, ") }
    #expect(stale[1].hasPrefix("Stale: the last good reading is "))
    #expect(stale.prefix(4).joined(separator: " ").contains("The energy counter of package 0 could not be read."))
    try device.control("eio 0 off")
    try terminal.wait(for: "fresh readings") { $0[0].hasPrefix("59.") && !$0[0].contains("stale") }
  }

  @Test("ends with a sentence where there is no service")
  func noService() throws {
    let terminal = try Tmux(
      columns: 80, rows: 24, "\(Executables.service) watch --socket /nonexistent; echo code $?; read -r line")
    let screen = try terminal.wait(for: "the end") { $0.contains("code 1") }
    #expect(screen[0].hasPrefix("Error: No service answers at /nonexistent"))
  }
}

@Suite("The live view without a terminal", .serialized)
struct WatchWithoutTerminalTests {
  private func shell(_ command: String) throws -> (exitCode: Int32, output: String) {
    try Child.run(["sh", "-c", command], seconds: 20)
  }

  @Test("is plain lines in a pipe, at the interval that was asked for", arguments: ["", "--interval 0.25"])
  func pipe(options: String) throws {
    let service = try Service.simulated()
    let (code, output) = try shell(
      "TERM=xterm \(Executables.service) watch --socket \(service.socket) \(options) | head -n 3")
    #expect(code == 0)
    let lines = output.split(separator: "\n")
    #expect(lines.count == 3)
    let form = #/\d+\.\d W \(simulated\)  min \d+\.\d  mean \d+\.\d  max \d+\.\d/#
    for line in lines { #expect(line.wholeMatch(of: form) != nil, "\(line)") }
  }

  @Test("--once prints what is drawn now, without an escape, and ends")
  func once() throws {
    let service = try Service.simulated()
    let (code, output) = try Child.run([Executables.service, "watch", "--once", "--socket", service.socket])
    #expect(code == 0)
    let lines = output.split(separator: "\n")
    #expect(lines.first?.contains(#/^total +\d+\.\d\d W  /#) == true, "\(output)")
    #expect(lines.contains { $0.contains(#/^package-0 +\d+\.\d\d W +\d+\.\d\d J$/#) }, "\(output)")
    #expect(lines.last?.hasPrefix("status  simulated") == true, "\(output)")
    #expect(output.utf8.allSatisfy { $0 == 10 || 0x20...0x7E ~= $0 })
  }

  @Test("fails where nobody can read what it prints, and on wrong usage")
  func failures() throws {
    let service = try Service.simulated()
    let watch = "\(Executables.service) watch --socket \(service.socket)"
    let full = try shell("\(watch) > /dev/full")
    #expect(full.exitCode == 1 && full.output.contains("Cannot write to standard output: No space left on device."))
    #expect(try shell("\(watch) --interval 0").exitCode == 64)
    #expect(try shell("\(watch) --once --interval 1").exitCode == 64)
  }
}
