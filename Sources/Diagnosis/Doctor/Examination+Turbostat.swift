internal import Turbostat

extension Examination {
  /// Examines turbostat, the reference of cross-check.
  mutating func lookAtTurbostat() {
    let answer = machine.answer("turbostat") { () -> String? in
      guard machine.isOwn else { return nil }
      guard let path = try? TurbostatExecutable.choose(nil) else { return "" }
      return "\(path)\n\(TurbostatExecutable.version(of: path))"
    }
    // A folder that stands for a machine has no programs.
    guard let answer else { return }
    let lines = answer.split(separator: "\n", maxSplits: 1).map(String.init)
    guard let path = lines.first else {
      return warn(
        .turbostat, "turbostat is not installed, so cross-check can only compare with powercap.",
        fix: "sudo apt install linux-cpupower (Arch: sudo pacman -S turbostat)")
    }
    guard lines.count == 2, let version = Self.version(lines[1]) else {
      return warn(
        .turbostat, "\(path) does not report its version: \(lines.last.map { "\($0.prefix(100))" } ?? "").",
        fix: "install your kernel's turbostat.")
    }
    ok(.turbostat, "\(path) is version \(version); cross-check can compare with it.")
  }

  /// "2022.10.04" of "turbostat version 2022.10.04 - Len Brown".
  private static func version(_ text: String) -> Substring? {
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.count >= 3, words[0] == "turbostat", words[1] == "version" else { return nil }
    return words[2]
  }
}
