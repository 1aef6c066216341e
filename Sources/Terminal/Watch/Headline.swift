internal import Formatting
internal import PowerProtocol

/// The first line: the present power.
enum Headline {
  /// The watts with their status, and on the right what is measured, and by whom.
  static func line(_ model: WatchModel, now: Double, width: Int) -> StyledLine {
    guard let reading = model.reading else {
      return StyledLine(Words.first(of: ["- W", "-"], fitting: width), .strong)
    }
    let watts = numbers(reading.watts)
    guard let mark = mark(model, reading, now: now) else {
      var line = StyledLine(Words.first(of: watts, fitting: width), .strong)
      append(details(model, reading), to: &line, width: width)
      return line
    }
    // The number never appears without its status.
    for number in watts {
      for text in [" (\(mark.long))", " (\(mark.short))", " \(mark.short)"] where number.count + text.count <= width {
        var line = StyledLine(number, .strong)
        line.append(text, .warning)
        append(details(model, reading), to: &line, width: width)
        return line
      }
    }
    return StyledLine(Words.first(of: [mark.short], fitting: width), .warning)
  }

  /// Formats of the watts, the most exact first.
  private static func numbers(_ watts: Double) -> [String] {
    [
      Numbers.watts(watts), Numbers.fixed(watts, places: 1) + " W", Numbers.fixed(watts, places: 0) + " W",
      Numbers.fixed(watts, places: 0) + "W",
    ]
  }

  private static func mark(_ model: WatchModel, _ reading: Reading, now: Double) -> (long: String, short: String)? {
    let age = model.age(now: now).map { ", \(Numbers.fixed($0, places: 0)) s old" } ?? ""
    if case .lost = model.link { return ("no service\(age)", "gone") }
    if !age.isEmpty {
      return (reading.status == .stale ? "stale\(age)" : "late\(age)", reading.status == .stale ? "stale" : "late")
    }
    return reading.status == .simulated ? ("simulated", "simulated") : nil
  }

  /// What the number is, and then the service.
  private static func details(_ model: WatchModel, _ reading: Reading) -> (what: String, who: String?) {
    let window = reading.sample.map { ", mean of \(Numbers.duration($0.windowSeconds))" } ?? ""
    let count = reading.sample?.packages.count ?? 0
    let of = count == 1 ? "CPU package" : count > 1 ? "\(count) CPU packages" : "all CPU packages"
    let who = model.info.map { [$0.cpu, $0.source].compactMap(\.self).joined(separator: ", ").printable }
    return ("\(of)\(window)", who)
  }

  /// Puts the first behind the number and the second at the right end, each only if it fits whole.
  private static func append(_ details: (what: String, who: String?), to line: inout StyledLine, width: Int) {
    if line.columns + 3 + details.what.count <= width { line.append("   \(details.what)", .faint) }
    if let who = details.who, line.columns + 3 + who.count <= width {
      line.pad(to: width - who.count)
      line.append(who, .faint)
    }
  }
}
