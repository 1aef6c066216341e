import Foundation
import Testing

@Suite("The manual")
struct ManualTests {
  /// What `--experimental-dump-help` says of a command, as far as it is needed here.
  private struct Command: Decodable {
    struct Argument: Decodable {
      struct Name: Decodable {
        var kind: String
        var name: String
      }
      var names: [Name]?
    }
    var commandName: String
    var arguments: [Argument]?
    var subcommands: [Command]?

    var all: [Command] { [self] + (subcommands ?? []).flatMap(\.all) }
  }

  private struct Help: Decodable {
    var command: Command
  }

  private static let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test(
    "names every command and every option", arguments: ["scripts/packaging/pkg-watt-stat.8", "README.md"])
  func complete(path: String) throws {
    let text = try String(contentsOf: Self.top.appending(path: path), encoding: .utf8).replacing("\\-", with: "-")
    let run = try Child.run([Executables.service, "--experimental-dump-help"])
    let commands = try JSONDecoder().decode(Help.self, from: Data(run.output.utf8)).command.all
    #expect(commands.contains { $0.commandName == "serve" })
    for command in commands where command.commandName != "help" {
      #expect(text.contains(command.commandName))
      for name in (command.arguments ?? []).flatMap({ $0.names ?? [] }) where name.kind == "long" {
        #expect(text.contains("--\(name.name)"), "\(command.commandName) --\(name.name)")
      }
    }
  }
}
