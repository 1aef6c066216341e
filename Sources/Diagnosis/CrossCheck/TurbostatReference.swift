internal import RAPL
internal import Turbostat

/// turbostat as the reference: its windows are its own intervals, and end when it says.
struct TurbostatReference: Reference {
  let name = "turbostat"
  private let turbostat: Turbostat
  private let inbox = TurbostatInbox()
  private var run: TurbostatRun?
  private var ends: [PackageID: Int64] = [:]

  init(_ turbostat: Turbostat) {
    self.turbostat = turbostat
  }

  mutating func begin() {
    run = TurbostatRun(turbostat) { [inbox] event in inbox.take(event) }
  }

  mutating func windows() -> [ReferenceWindow] {
    var windows: [ReferenceWindow] = []
    for arrived in inbox.empty() {
      for row in arrived.table.packages {
        guard let id = row.package else { continue }
        // Without its word on when the interval ended, the arrival has to do.
        let end = row.endUnixNanoseconds.map { $0 - arrived.unixOffset } ?? arrived.monotonicNanoseconds
        defer { ends[id] = end }
        // The first one's beginning is not known.
        guard let start = ends[id], end > start else { continue }
        for (domain, watts) in row.watts {
          windows.append(ReferenceWindow(channel: Channel(id, domain), start: start, end: end, watts: watts))
        }
      }
    }
    return windows
  }

  var trouble: String? { inbox.trouble }

  func end() {
    run?.stop()
  }
}
