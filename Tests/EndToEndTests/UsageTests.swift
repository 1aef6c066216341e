import Testing

@Suite("Wrong usage")
struct UsageTests {
  @Test(
    "is said in the words that were typed",
    arguments: [
      (["watch", "--once", "--json"], "Unknown option '--json'. It is an option of read"),
      (["watch", "--count", "2"], "Unknown option '--count'. It is an option of read."),
      (["read", "--interval", "2"], "Unknown option '--interval'. It is an option of serve, watch"),
      (["read", "--once"], "Unknown option '--once'. It is an option of watch and top."),
      (["read", "--watch"], "Did you mean 'watch'?"),
      (["top", "-n", "1"], "Unknown option '-n'. Did you mean '--once'?"),
      (["top", "-bn1"], "Unknown option '-bn1'. Did you mean '--once'?"),
      (["watch", "-n", "2"], "Unknown option '-n'. Did you mean '--interval'?"),
      (["stat"], "Did you mean 'systemctl status pkg-watt-stat'?"),
      (["logs"], "Did you mean 'journalctl -u pkg-watt-stat'?"),
      (["export", "--format", "prom"], "Did you mean '--format prometheus'?"),
      (["export", "--format", "csv", "--template", "x"], "--template needs --format template, not --format csv."),
      (["export", "--format", "template"], "--format template needs --template."),
      (["cross-check", "--interval", "5", "--duration", "6"], "at least two intervals (10 s)"),
    ])
  func says(arguments: [String], sentence: String) throws {
    let (code, output) = try Child.run([Executables.service] + arguments)
    #expect(code == 64 && output.contains(sentence), "\(output)")
  }

  @Test("help shows that a command is needed, and every option", arguments: ["run", "with"])
  func command(name: String) throws {
    let (code, output) = try Child.run([Executables.service, name, "--help"])
    let usage = try #require(output.split(separator: "\n").first { $0.hasPrefix("USAGE:") })
    #expect(code == 0 && usage.hasSuffix(" -- <command> ..."), "\(output)")
    let listed = output.split(separator: "\nOPTIONS:\n").last?.matches(of: /\n  (--[a-z]+)/).map(\.output.1) ?? []
    for option in listed where option != "--version" { #expect(usage.contains("[\(option)"), "\(option) of \(usage)") }
  }
}
