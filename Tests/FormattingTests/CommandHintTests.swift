import Formatting
import Testing

@Suite("A hint for a wrong command")
struct CommandHintTests {
  private static let names = ["serve", "read", "run", "export", "cross-check"]

  /// As the parser does it: only options of `serve` are accepted, with a value each.
  private static func parse(_ arguments: [String]) -> Bool {
    arguments.enumerated().allSatisfy { $0 % 2 == 0 ? $1 == "--socket" : true } && arguments.count % 2 == 0
  }

  @Test(
    "is there for a word that is no command, and names the one that was meant",
    arguments: [
      (["raed"], "'read'"), (["rea"], "'read'"), (["reads"], "'read'"), (["reed"], "'read'"), (["rn"], "'run'"),
      (["crosscheck"], "'cross-check'"), (["help", "exprot"], "'export'"), (["xyz"], nil), (["er"], nil),
      (["daer"], nil),
    ] as [([String], String?)])
  func misspelt(arguments: [String], meant: String?) throws {
    let flaw = try #require(CommandHint(Self.names).flaw(in: arguments, parse: Self.parse))
    #expect(flaw.contains("'\(arguments.last ?? "")'") && flaw.contains("serve, read, run, export, cross-check"))
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
    #expect(CommandHint(Self.names).flaw(in: arguments, parse: Self.parse)?.contains(right) == true)
  }

  @Test(
    "is not there for what the parser explains or accepts",
    arguments: [
      [], ["read"], ["read", "raed"], ["help"], ["help", "read"], ["help", "--json"], ["--help"], ["--wrong"],
      ["--socket", "read"], ["--socket", "x", "--", "read"], ["--wrong", "--", "read"],
    ])
  func none(arguments: [String]) {
    #expect(CommandHint(Self.names).flaw(in: arguments, parse: Self.parse) == nil)
  }
}
