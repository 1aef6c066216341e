import Foundation
import Testing

@Suite("The manual page")
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

    /// Its long options, but for those that every command has.
    var options: Set<String> {
      let names = (arguments ?? []).flatMap { $0.names ?? [] }.filter { $0.kind == "long" }.map { "--\($0.name)" }
      return Set(names).subtracting(["--help", "--version"])
    }
  }

  private struct Help: Decodable {
    var command: Command
  }

  @Test("has each command's options in its section, and no others")
  func complete() throws {
    let page = try ProjectFiles.text("scripts/packaging/pkg-watt-stat.8").replacing("\\-", with: "-")
    let sections = try #require(page.split(separator: ".SH OPTIONS\n").last?.split(separator: ".SH ").first)
      .split(separator: ".SS ")
    let run = try Child.run([Executables.service, "--experimental-dump-help"])
    let commands = try #require(JSONDecoder().decode(Help.self, from: Data(run.output.utf8)).command.subcommands)
    #expect(commands.contains { $0.commandName == "serve" })
    for section in sections {
      let (title, text) = try #require(Self.parts(section))
      let covered = commands.filter { title.split(separator: " ").contains(Substring($0.commandName)) }
      #expect(!covered.isEmpty, "no command is named \(title)")
      let described = Self.headlines(text)
      let known = Set(covered.flatMap(\.options))
      #expect(described == known, "the section \(title)")
    }
    for command in commands where !command.options.isEmpty && command.commandName != "help" {
      #expect(
        sections.contains {
          Self.parts($0)?.title.split(separator: " ").contains(Substring(command.commandName)) == true
        },
        "\(command.commandName) has no section")
    }
  }

  private static func parts(_ section: Substring) -> (title: Substring, text: Substring)? {
    guard let end = section.firstIndex(of: "\n") else { return nil }
    return (section[..<end], section[section.index(after: end)...])
  }

  /// The options in the lines that follow a `.TP`: those that a paragraph explains.
  private static func headlines(_ text: Substring) -> Set<String> {
    let lines = text.split(separator: "\n")
    let heads = zip(lines, lines.dropFirst()).filter { $0.0 == ".TP" }.map { $0.1 }
    return Set(heads.flatMap { $0.matches(of: /--[a-z][a-z-]*/).map { String($0.output) } })
  }
}
