import Formatting
import Testing

@Suite("A hint for a wrong command")
struct CommandHintTests {
  private static let hint = CommandHint(
    [
      .init("serve", usage: "[--socket <path> ...] [--seal] [--source <source>]", values: [("--source", "msr", "msr")]),
      .init("read", usage: "[--json] [--follow]"), .init("run", usage: "[--idle <n>] -- [<command> ...]"),
      .init("export", usage: "--format <f> [--follow]", values: ["csv", "json"].map { ("--format", $0, $0) }),
      .init(
        "cross-check", usage: "[--once] [--interval <s>] [--nice]",
        habits: [("-n", "--once"), ("-bn", "--once"), ("-d", "--interval")]), .init("pass-registers", isListed: false),
    ],
    others: [
      ("start", "systemctl start pkg-watt-stat"), ("status", "systemctl status pkg-watt-stat"),
      ("stop", "systemctl stop pkg-watt-stat"), ("version", "--version"),
    ])

  /// As the parser does it: only options of `serve` are accepted, with a value each.
  private static func parse(_ arguments: [String]) -> Bool {
    arguments.enumerated().allSatisfy { $0 % 2 == 0 ? $1 == "--socket" : true } && arguments.count % 2 == 0
  }

  @Test(
    "is there for a word that is no command, and names the one that was meant",
    arguments: [
      (["raed"], "'read'"), (["rea"], "'read'"), (["reads"], "'read'"), (["reed"], "'read'"), (["rn"], "'run'"),
      (["crosscheck"], "'cross-check'"), (["help", "exprot"], "'export'"), (["xyz"], nil), (["er"], nil),
      (["stat"], "'systemctl status pkg-watt-stat'"), (["exp"], "'export'"), (["st"], nil),
      (["daer"], nil), (["stop"], "'systemctl stop pkg-watt-stat'"), (["Version"], "'--version'"),
    ] as [([String], String?)])
  func misspelt(arguments: [String], meant: String?) throws {
    let flaw = try #require(Self.hint.flaw(in: arguments, parse: Self.parse))
    #expect(flaw.contains("'\(arguments.last ?? "")'") && flaw.contains("serve, read, run, export, cross-check."))
    #expect(meant.map { flaw.hasSuffix("Did you mean \($0)?") } ?? !flaw.contains("mean"), "\(flaw)")
  }

  @Test(
    "is there for options before the command, and puts them behind it",
    arguments: [
      (["--json", "read"], "pkg-watt-stat read --json."),
      (["--socket", "/x", "run", "--", "ls"], "pkg-watt-stat run --socket /x."),
      (["-x", "read", "run"], "pkg-watt-stat read -x."),
    ])
  func order(arguments: [String], right: String) {
    #expect(Self.hint.flaw(in: arguments, parse: Self.parse)?.contains(right) == true)
  }

  @Test(
    "is there for a word that means something elsewhere, and names what to type",
    arguments: [
      (["--read"], "Unknown option '--read'", "'read'"), (["-v"], "Unknown option '-v'", "'--version'"),
      (["read", "-f"], "Unknown option '-f'", "'--follow'"), (["read", "json"], "argument 'json'", "'--json'"),
      (["export", "csv"], "argument 'csv'", "'--format csv'"), (["export", "--csv"], "'--csv'", "'--format csv'"),
      (["export", "--format", "CSV"], "--format cannot be 'CSV'", "'--format csv'"),
      (["export", "--format=cvs"], "--format cannot be 'cvs'", "'--format csv'"),
      (["export", "--format", "cs"], "--format cannot be 'cs'", "'--format csv'"),
      (["export", "--format", "jso"], "--format cannot be 'jso'", "'--format json'"),
      (["serve", "stop"], "argument 'stop'", "'systemctl stop pkg-watt-stat'"),
      (["--source", "MSR"], "--source cannot be 'MSR'", "'--source msr'"),
      // What another program of that name takes, whatever else begins with that letter.
      (["cross-check", "-n", "1"], "Unknown option '-n'", "'--once'"), (["cross-check", "-n1"], "'-n1'", "'--once'"),
      (["cross-check", "-bn1"], "'-bn1'", "'--once'"), (["cross-check", "-d0.5"], "'-d0.5'", "'--interval'"),
    ])
  func elsewhere(arguments: [String], wrong: String, meant: String) {
    let flaw = Self.hint.flaw(in: arguments, parse: Self.parse) ?? ""
    #expect(flaw.contains(wrong) && flaw.hasSuffix("Did you mean \(meant)?"), "\(flaw)")
  }

  @Test(
    "is there for an option of other commands, and names them",
    arguments: [
      (["read", "--seal"], "Unknown option '--seal'. It is an option of serve."),
      (["read", "--idle=2"], "Unknown option '--idle=2'. It is an option of run."),
      (["serve", "--follow"], "Unknown option '--follow'. It is an option of read and export."),
    ])
  func others(arguments: [String], says: String) {
    #expect(Self.hint.flaw(in: arguments) { _ in false } == says)
  }

  @Test(
    "is not there for what the parser explains or accepts",
    arguments: [
      [], ["read"], ["help"], ["help", "read"], ["help", "--json"], ["--help"], ["--wrong"],
      ["--socket", "read"], ["--socket", "x", "--", "read"], ["--wrong", "--", "read"], ["run", "stop"],
      ["export", "--format", "xyz"], ["export", "--format", "csv"], ["read", "--help"],
      ["--socket", "stop", "--wrong"], ["read", "read"], ["read", "export"], ["export", "--follow", "run"],
    ])
  func none(arguments: [String]) {
    #expect(Self.hint.flaw(in: arguments, parse: Self.parse) == nil)
  }
}
