/// Finds the name that was meant by a word that nobody knows.
public struct Suggestions: Sendable {
  private let names: [(name: String, typed: String)]

  /// - Parameter names: the names, and what to type for each.
  public init(_ names: [(name: String, typed: String)]) {
    self.names = names
  }

  /// Names that are typed as they are.
  public init(_ names: [String]) {
    self.init(names.map { ($0, $0) })
  }

  /// " Did you mean 'watch'?", to be put behind a sentence; "" if nothing is near.
  public func question(about word: String) -> String {
    let meant = meant(by: word)
    return meant.isEmpty ? "" : " Did you mean \(meant.map { "'\($0)'" }.joined(separator: " or "))?"
  }

  /// What to type instead of a word: for the same name in other letters or with other signs around it, or else for names that begin
  /// with it, if they are few, or else for names with one letter wrong, missing or added, or two swapped. A single letter after a
  /// dash stands for the options that begin with it.
  public func meant(by word: String) -> [String] {
    let bare = Self.bare(word)
    let isInitial = word.hasPrefix("-") && bare.count == 1
    // A word that is typed as it should be is wrong for another reason.
    let names = names.filter { $0.typed != word }
    let same = names.filter { Self.bare($0.name) == bare }
    // Of a shorter word, or of many names, it says too little.
    var longer = bare.count < 3 ? [] : names.filter { Self.bare($0.name).hasPrefix(bare) }
    if longer.count > 3 { longer = [] }
    let near = names.filter { name, typed in
      isInitial
        ? typed.hasPrefix("-") && Self.bare(name).hasPrefix(bare) : Self.isMisspelt(Self.bare(name), as: bare)
    }
    return (!same.isEmpty ? same : !longer.isEmpty ? longer : near).reduce(into: []) {
      if !$0.contains($1.typed) { $0.append($1.typed) }
    }
  }

  /// A word without dashes or braces around it, in small letters.
  private static func bare(_ word: String) -> Substring {
    var bare = word.lowercased()[...]
    while let last = bare.last, !last.isLetter, !last.isNumber { bare.removeLast() }
    return bare.drop { !$0.isLetter && !$0.isNumber }
  }

  private static func isMisspelt(_ name: Substring, as word: Substring) -> Bool {
    guard word.count > 1 else { return false }
    var (ours, theirs) = (Array(name)[...], Array(word)[...])
    while let first = ours.first, first == theirs.first { (ours, theirs) = (ours.dropFirst(), theirs.dropFirst()) }
    while let last = ours.last, last == theirs.last { (ours, theirs) = (ours.dropLast(), theirs.dropLast()) }
    return max(ours.count, theirs.count) <= 1 || (ours.count == 2 && Array(ours.reversed()) == Array(theirs))
  }
}
