/// Finds what is wrong with the words of a command line, if the parser would not say it: the default command would reject another
/// command's name as an unexpected argument, and no parser knows what other programs' users are used to.
public struct CommandHint: Sendable {
  /// What one command takes.
  public struct Command: Sendable {
    let name: String
    let usage: String
    let values: [(option: String, value: String, meant: String)]
    let habits: [(option: String, typed: String)]
    let isListed: Bool

    /// - Parameters:
    ///   - usage: the parser's line: `[--json] [--count <n>]`.
    ///   - values: of options: what may be typed, and the value that is meant by it.
    ///   - habits: options of another program of this name, and what to type instead.
    ///   - isListed: whether it is for users, and not for units and packages only.
    public init(
      _ name: String, usage: String = "", values: [(option: String, value: String, meant: String)] = [],
      habits: [(option: String, typed: String)] = [], isListed: Bool = true
    ) {
      self.name = name
      self.usage = usage
      self.values = values
      self.habits = habits
      self.isListed = isListed
    }

    private var words: [Substring] { usage.split { $0.isWhitespace || $0 == "[" || $0 == "]" } }

    /// Its options, and whether each takes a value.
    var options: [(name: String, takesValue: Bool)] {
      let words = words
      return words.indices.filter { words[$0].hasPrefix("--") && words[$0].count > 2 }.map {
        (String(words[$0]), $0 + 1 < words.endIndex && words[$0 + 1].hasPrefix("<"))
      }
    }

    /// Whether it takes words that are neither options nor their values.
    var takesWords: Bool { words.count { $0.hasPrefix("<") } > options.count { $0.takesValue } }
  }

  private let commands: [Command]
  private let others: [(name: String, typed: String)]
  private var names: [String] { commands.map(\.name) }

  /// - Parameters:
  ///   - commands: all commands, the default one first.
  ///   - others: words that are no command's, and what to type instead.
  public init(_ commands: [Command], others: [(name: String, typed: String)] = []) {
    self.commands = commands
    self.others = others
  }

  /// What is wrong, as a sentence; nil if the parser accepts the words, or says best what is wrong with them.
  ///
  /// - Parameters:
  ///   - arguments: without the program's name.
  ///   - parse: whether the parser accepts arguments.
  public func flaw(in arguments: [String], parse: ([String]) -> Bool) -> String? {
    guard let first = arguments.first else { return nil }
    let word = first == "help" ? arguments.dropFirst().first : first
    if let word, !word.hasPrefix("-"), !names.contains(word), word != "help" {
      let listed = commands.filter(\.isListed).map(\.name)
      let known = Suggestions(listed.map { ($0, $0) } + others)
      return "Unknown command '\(word)'. The commands are \(listed.joined(separator: ", "))."
        + known.question(about: word)
    }
    // "--socket read" serves at a socket of that name, and "--socket x -- read" has no command either.
    let own = Array(arguments.prefix { $0 != "--" })
    if first == "help" || parse(arguments) { return nil }
    if first.hasPrefix("-"), !parse(own), let index = own.dropFirst().firstIndex(where: names.contains) {
      let options = own[..<index].joined(separator: " ")
      return "Put the command before its options: pkg-watt-stat \(own[index]) \(options). To list its options: "
        + "pkg-watt-stat help \(own[index])"
    }
    return unknownWord(in: own)
  }

  /// "read, watch and export".
  private static func list(_ names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.joined() }
    return names.dropLast().joined(separator: ", ") + " and \(last)"
  }

  /// A sentence about the first word that means something elsewhere.
  private func unknownWord(in words: [String]) -> String? {
    guard let command = commands.first(where: { $0.name == words.first }) ?? commands.first else { return nil }
    let options = command.options
    let values = command.values.map { (name: $0.value, typed: "\($0.option) \($0.meant)", option: $0.option) }
    let known = Suggestions(
      others + options.map { ($0.name, $0.name) } + values.map { ($0.name, $0.typed) } + names.map { ($0, $0) })
    var rest = words.dropFirst(words.first == command.name ? 1 : 0)
    while let word = rest.popFirst() {
      let pieces = word.split(separator: "=", maxSplits: 1).map(String.init)
      if word == "--help" || word == "-h" || word == "--version" { return nil }
      if let option = options.first(where: { $0.name == pieces.first }) {
        guard option.takesValue, let value = pieces.count > 1 ? pieces[1] : rest.popFirst() else { continue }
        let of = values.filter { $0.option == option.name }
        if of.contains(where: { $0.typed == "\(option.name) \(value)" }) { continue }
        let question = Suggestions(of.map { ($0.name, $0.typed) }).question(about: value)
        if !question.isEmpty { return "\(option.name) cannot be '\(value)'.\(question)" }
        continue
      }
      if command.takesWords && !word.hasPrefix("-") { continue }
      let option = pieces.first ?? word
      // "-d", "-d0.5": one may write an option's number behind it.
      let letters = String(option.prefix { !$0.isNumber })
      if let habit = command.habits.first(where: { $0.option == letters }) {
        return "Unknown option '\(word)'. Did you mean '\(habit.typed)'?"
      }
      let takers = commands.filter { other in other.options.contains { $0.name == option } }.map(\.name)
      // One letter from an option of its own.
      let isNear = options.contains { $0.name == option + "s" || $0.name + "s" == option }
      let question =
        takers.isEmpty || isNear || !word.hasPrefix("--") || names.contains(String(word.dropFirst(2)))
        ? known.question(about: word) : " It is an option of \(Self.list(takers))."
      if !question.isEmpty {
        return (word.hasPrefix("-") ? "Unknown option" : "Unexpected argument") + " '\(word)'.\(question)"
      }
    }
    return nil
  }
}
