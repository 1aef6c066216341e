internal import PowerClient
internal import PowerProtocol

extension Examination {
  /// The running service, by its sockets.
  mutating func lookAtService() {
    var silent: [String] = []
    for path in [SocketPaths.preferred, SocketPaths.original] {
      let answer = machine.answer("service at \(path)") { machine.isOwn ? Self.ask(path) : nil }
      // A folder that stands for a machine runs nothing.
      guard let answer else { continue }
      let words = answer.split(separator: " ", maxSplits: 1).map(String.init)
      switch words.first {
      case "ok": ok(.service, "The service answers at \(path): \(words.last ?? "").")
      case "absent": silent.append(path)
      case "simulated":
        warn(.service, words.last ?? "", fix: "to measure, end it, and start one without --source simulated")
      default:
        warn(
          .service, words.last ?? answer,
          fix: "see its log, by journalctl -u pkg-watt-stat.service where systemd started it")
      }
    }
    if !silent.isEmpty && !measuredBy.isEmpty {
      warn(
        .service, "No service answers at \(silent.joined(separator: " or ")).",
        fix: "sudo systemctl start pkg-watt-stat.service, or by hand: sudo pkg-watt-stat serve")
    }
  }

  /// "ok 42.5 W", "absent", or "simulated" or "trouble" and a sentence.
  private static func ask(_ path: String) -> String {
    do {
      var connection = try PowerConnection(paths: [path])
      let line = try connection.next().line
      let sentence = "The service at \(path) says \(line.wattsText) W, \(line.status.rawValue)."
      return switch line.status {
      case .ok: "ok \(line.wattsText) W"
      case .simulated: "simulated \(sentence)"
      case .stale: "trouble \(sentence)"
      }
    } catch .noService {
      return "absent"
    } catch {
      return "trouble \(error)"
    }
  }
}
