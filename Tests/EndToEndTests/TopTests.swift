import Foundation
import Testing

@Suite("top")
struct TopTests {
  private struct Numbers: Decodable {
    var name: String?
    var pid: Int?
    var watts: Double
    var joules: Double
  }

  private struct Table: Decodable {
    var watts: Double
    var joules: Double
    var status: String
    var rows: [Numbers]
    var idle: Numbers
    var not_attributed: Numbers
    var hidden: Numbers?
    var ended: Numbers?
    var other_rows: Numbers?

    /// Whether the rows add up to the totals, in steps of 10 mW and 10 mJ.
    var addsUp: Bool {
      let all = rows + [idle, not_attributed] + [hidden, ended, other_rows].compactMap { $0 }
      func isSame(_ total: Double, _ parts: [Double]) -> Bool {
        Int((total * 100).rounded()) == parts.reduce(0) { $0 + Int(($1 * 100).rounded()) }
      }
      return isSame(watts, all.map(\.watts)) && isSame(joules, all.map(\.joules))
    }
  }

  private func top(_ service: Service, _ options: String...) throws -> (exitCode: Int32, output: String) {
    try Child.run([Executables.service, "top", "--socket", service.socket] + options, seconds: 30)
  }

  private func tables(_ output: String) throws -> [Table] {
    try output.split(separator: "\n").filter { $0.hasPrefix("{") }.map {
      try JSONDecoder().decode(Table.self, from: Data($0.utf8))
    }
  }

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
