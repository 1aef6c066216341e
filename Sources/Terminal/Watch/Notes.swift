internal import Formatting
internal import PowerProtocol

/// Sentences that one must know to read the numbers rightly.
enum Notes {
  /// The most important first.
  static func sentences(_ model: WatchModel, now: Double) -> [String] {
    let reason = model.reading?.sample?.reason.map { " " + $0.printable } ?? ""
    var notes = model.warning.map { [$0] } ?? []
    switch model.link {
    case .lost(let why): notes.append("\(why.harmless) Trying to connect every second.")
    case .waiting where model.reading == nil: notes.append("Waiting for the first reading.")
    case .waiting, .live: break
    }
    if let age = model.age(now: now), case .live = model.link {
      let seconds = Numbers.fixed(age, places: 0)
      notes.append(
        model.reading?.status == .stale
          ? "Stale: the last good reading is \(seconds) s old.\(reason)" : "No reading for \(seconds) s.")
    }
    if model.reading?.status == .simulated || model.info?.isSimulated == true {
      notes.append("Simulated: these watts are invented.\(model.reading?.status == .simulated ? reason : "")")
    }
    if model.isVersion1 {
      notes.append("The service is older than this program; it has no joules, domains or history.")
    }
    return notes
  }
}
