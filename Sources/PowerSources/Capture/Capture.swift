internal import Formatting
internal import Glibc
package import SystemCalls

/// What was read of a machine beside the contents of its files: the part of a captured tree that is stored in its folder
/// `capture`, in a few text files.
package struct Capture: Equatable, Sendable {
  /// One register of one CPU.
  package struct Register: Hashable, Sendable {
    package let cpu: Int
    package let address: UInt32

    package init(cpu: Int, address: UInt32) {
      self.cpu = cpu
      self.address = address
    }
  }

  /// The results of reading a counter repeatedly: the first and the last.
  package enum Values: Equatable, Sendable {
    case read([UInt64])
    case failed(errno: Int32)

    /// Adds the result of reading the counter now.
    package mutating func add(_ reading: Trace.Reading) {
      switch (self, reading) {
      case (_, .failed(let errno)): self = .failed(errno: errno)
      case (.read(let values), .value(let value)): self = .read(values.prefix(1) + [value])
      case (.failed, .value(let value)): self = .read([value])
      }
    }
  }

  /// Paths that could not be read or opened, relative to the root without a leading slash, and why: an errno value.
  package var errors: [String: Int32] = [:]
  /// Permissions of files, by the same paths.
  package var permissions: [String: FilePermissions] = [:]
  /// Answers that are not files, by question.
  package var answers: [String: String] = [:]
  /// Registers.
  package var registers: [Register: Values] = [:]
  /// The energies of powercap's zones in microjoules, by the zone's folder: "intel-rapl:0".
  package var zones: [String: Values] = [:]
  /// The names in folders, by the folders' paths.
  package var folders: [String: [String]] = [:]

  /// Readings of the counters over some seconds, if they were asked for.
  package var trace: Trace?

  /// An empty capture.
  package init() {}
}

extension Capture {
  /// The folder below the root that contains the files.
  static let folder = "capture"

  /// The files and their text.
  package var files: [(name: String, text: String)] {
    [
      ("errors", Self.lines(errors) { "\($0.value) \(Self.escaped($0.key))" }),
      (
        "permissions",
        Self.lines(permissions) { path, permissions in
          "\(String(permissions.mode, radix: 8)) \(permissions.user) \(permissions.group) \(Self.escaped(path))"
        }
      ),
      ("answers", Self.lines(answers) { "\(Self.escaped($0.key))\t\(Self.escaped($0.value))" }),
      (
        "registers",
        Self.lines(registers) { register, values in
          "\(register.cpu) \(hexadecimal(register.address)) \(Self.text(values))"
        }
      ),
      ("zones", Self.lines(zones) { "\(Self.escaped($0.key))\t\(Self.text($0.value))" }),
      ("folders", Self.lines(folders) { ([$0.key] + $0.value).map(Self.escaped).joined(separator: "\t") }),
    ]
  }

  /// Takes a line of one of the files.
  ///
  /// - Returns: false if the line is not valid.
  package mutating func take(_ line: Substring, of file: String) -> Bool {
    switch file {
    case "errors":
      let words = line.split(separator: " ", maxSplits: 1)
      guard words.count == 2, let errno = Int32(words[0]), errno > 0 else { return false }
      errors[Self.unescaped(words[1])] = errno
    case "permissions":
      let words = line.split(separator: " ", maxSplits: 3)
      guard words.count == 4, let mode = UInt32(words[0], radix: 8), let user = UInt32(words[1]),
        let group = UInt32(words[2])
      else { return false }
      permissions[Self.unescaped(words[3])] = FilePermissions(mode: mode, user: user, group: group)
    case "answers":
      let words = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
      guard words.count == 2 else { return false }
      answers[Self.unescaped(words[0])] = Self.unescaped(words[1])
    case "registers":
      let words = line.split(separator: " ")
      guard words.count >= 3, let cpu = Int(words[0]),
        let address = hexadecimalValue(words[1]).flatMap(UInt32.init(exactly:)), let values = Self.values(words[2...])
      else { return false }
      registers[Register(cpu: cpu, address: address)] = values
    case "zones":
      let words = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard words.count == 2, let values = Self.values(words[1].split(separator: " ")[...]) else { return false }
      zones[Self.unescaped(words[0])] = values
    case "folders":
      let words = line.split(separator: "\t", omittingEmptySubsequences: false).map(Self.unescaped)
      folders[words[0]] = Array(words.dropFirst())
    default: return false
    }
    return true
  }

  private static func text(_ values: Values) -> String {
    switch values {
    case .read(let values): values.map(hexadecimal).joined(separator: " ")
    case .failed(let errno): "error \(errno)"
    }
  }

  private static func values(_ words: ArraySlice<Substring>) -> Values? {
    if words.first == "error" {
      guard words.count == 2, let errno = words.last.flatMap({ Int32($0) }), errno > 0 else { return nil }
      return .failed(errno: errno)
    }
    let values = words.compactMap(hexadecimalValue)
    return values.isEmpty || values.count < words.count ? nil : .read(values)
  }

  private static func lines<Key, Value>(_ entries: [Key: Value], _ line: ((key: Key, value: Value)) -> String) -> String
  {
    entries.map { line($0) + "\n" }.sorted().joined()
  }

  /// On one line and without a tab.
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\t": escaped += "\\t"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  private static func unescaped(_ text: Substring) -> String {
    var plain = ""
    var isEscape = false
    for scalar in text.unicodeScalars {
      if !isEscape && scalar == "\\" {
        isEscape = true
        continue
      }
      plain.unicodeScalars.append(!isEscape ? scalar : scalar == "n" ? "\n" : scalar == "t" ? "\t" : scalar)
      isEscape = false
    }
    return plain
  }
}
