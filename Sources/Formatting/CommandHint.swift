/// Finds what is wrong with the command of a command line. Without it, the default command would reject that command as an
/// unexpected argument.
public struct CommandHint {
  private let names: [String]

  /// - Parameter names: the commands.
  public init(_ names: [String]) {
    self.names = names
  }

  /// What is wrong, as a sentence; nil if what looks like a command is one, and comes before the options.
  ///
  /// - Parameters:
  ///   - arguments: without the program's name.
  ///   - parse: whether the parser accepts arguments.
  public func flaw(in arguments: [String], parse: ([String]) -> Bool) -> String? {
    guard let first = arguments.first else { return nil }
    let word = first == "help" ? arguments.dropFirst().first : first
    if let word, !word.hasPrefix("-") {
      if names.contains(word) || word == "help" { return nil }
      let meant = names.first { Self.isMisspelt($0, as: word) }.map { " Did you mean '\($0)'?" } ?? ""
      return "Unknown command '\(word)'. The commands are \(names.joined(separator: ", ")).\(meant)"
    }
    // "--socket read" serves at a socket of that name, and "--socket x -- read" has no command either.
    let own = Array(arguments.prefix { $0 != "--" })
    guard first.hasPrefix("-"), !parse(own), let index = own.dropFirst().firstIndex(where: names.contains) else {
      return nil
    }
    let options = own[..<index].joined(separator: " ")
    return "Put the command before its options: pkg-watt-stat \(own[index]) \(options). To list its options: "
      + "pkg-watt-stat help \(own[index])"
  }

  /// Whether another word is this one with one letter wrong, missing or added, or two swapped.
  private static func isMisspelt(_ name: String, as word: String) -> Bool {
    var (ours, theirs) = (Array(name)[...], Array(word)[...])
    while let first = ours.first, first == theirs.first { (ours, theirs) = (ours.dropFirst(), theirs.dropFirst()) }
    while let last = ours.last, last == theirs.last { (ours, theirs) = (ours.dropLast(), theirs.dropLast()) }
    return max(ours.count, theirs.count) <= 1 || (ours.count == 2 && Array(ours.reversed()) == Array(theirs))
  }
}
