internal import Glibc
internal import SystemCalls

/// Programs that read the energy of powercap's zones, and show nothing if only root may.
enum PowercapReaders {
  /// Their names in PATH. The page Powercap of the documentation says which of them were tried.
  static let names = [
    "alumet-agent", "btop", "carbontracker", "codecarbon", "gamemoded", "kepler", "mangohud", "node_exporter", "perun",
    "powercap-info", "powerjoular", "powerstat", "prometheus-node-exporter", "s-tui", "scaphandre", "stress-ng",
    "telegraf",
  ]

  /// Those that are in these folders.
  ///
  /// - Parameter searchPath: folders with colons between them, as PATH has them. Relative ones do not count.
  static func installed(in searchPath: String) -> [String] {
    let folders = searchPath.split(separator: ":").filter { $0.hasPrefix("/") }
    return names.filter { name in folders.contains { unsafe access("\($0)/\(name)", X_OK) == 0 } }
  }
}

/// Settings that open `energy_uj` to users at each start of the machine.
enum ZoneOpeners {
  /// Where udev's rules and tmpfiles.d's lines are, the administrator's first. Sources: udev(7), tmpfiles.d(5).
  private static let folders = ["/etc", "/run", "/usr/local/lib", "/usr/lib"].flatMap {
    ["\($0)/udev/rules.d", "\($0)/tmpfiles.d"]
  }

  /// The files below a root with such a setting.
  static func files(root: String = "") -> [String] {
    let files = SystemFiles(root: root)
    return folders.flatMap { folder in
      let names = (try? files.names(in: root + folder))?.sorted() ?? []
      // The service's own rules let only its group read.
      return names.filter { !$0.contains("pkg-watt-stat") }.map { "\(root)\(folder)/\($0)" }.filter { path in
        (try? files.text(path))?.split(whereSeparator: \.isNewline).contains(where: opens) == true
      }
    }
  }

  /// Whether a line of such a file names what holds the energy, and changes who may read it. One that keeps others from reading must
  /// stay.
  private static func opens(_ line: Substring) -> Bool {
    let isComment = line.first { $0 != " " && $0 != "\t" } == "#"
    return !isComment && !closes(line)
      && (line.contains("energy_uj") || line.contains("powercap") && line.contains("chmod"))
  }

  /// Whether a line sets permissions, and none of them lets others read: "0440", "o-r" or "g=r,o=".
  private static func closes(_ line: Substring) -> Bool {
    let words = line.split { !($0.isLetter || $0.isNumber || "+-=,".contains($0)) }
    let answers = words.flatMap(letsOthersRead)
    return !answers.isEmpty && !answers.contains(true)
  }

  /// Whether a word, as chmod(1) takes them, lets others read: an answer for each of its parts that settles it.
  private static func letsOthersRead(_ word: Substring) -> [Bool] {
    if 3...4 ~= word.count, let mode = UInt16(word, radix: 8) { return [mode & 0o004 != 0] }
    return word.split(separator: ",").compactMap { part in
      guard let (_, users, sign, rights) = part.wholeMatch(of: /([ugoa]*)([-+=])([rwxXst]*)/)?.output,
        users.isEmpty ? !rights.isEmpty : users.contains("o") || users.contains("a")
      else { return nil }
      let namesReading = rights.contains("r")
      return sign == "=" ? namesReading : namesReading ? sign == "+" : nil
    }
  }
}
