internal import PowerClient
internal import PowerProtocol

extension Examination {
  /// The running service, by its sockets: one that serves at both is looked at once.
  mutating func lookAtService() {
    let paths = [SocketPaths.preferred, SocketPaths.original]
    var silent: [String] = []
    var answers: [(path: String, words: [String])] = []
    for path in paths {
      let answer = machine.answer("service at \(path)") { machine.isOwn ? Self.ask(path) : nil }
      // A folder that stands for a machine runs nothing.
      guard let answer else { continue }
      let words = answer.split(separator: " ", maxSplits: 1).map(String.init)
      if words.first == "absent" { silent.append(path) } else { answers.append((path, words)) }
    }
    // One that hangs is not asked three times more.
    let isOne =
      answers.count == 2 && answers.allSatisfy { $0.words.first != "trouble" }
      && machine.answer("one service at both paths") { machine.isOwn ? Self.isOne(paths) ? "yes" : "no" : nil } == "yes"
    for (path, words) in isOne ? answers.prefix(1) : answers[...] {
      switch words.first {
      case "ok":
        let places = isOne ? paths.joined(separator: " and ") : path
        ok(.service, "The service answers at \(places): \(words.last ?? "").")
      case "stranger":
        warn(.service, words.last ?? "", fix: "end whatever serves there, and start the service in its place")
      case "simulated" where measuredBy.isEmpty:
        ok(.service, words.last ?? "")
      case "simulated":
        warn(.service, words.last ?? "", fix: "to measure, end it, and start one without --source simulated")
      default:
        warn(
          .service, words.last ?? "",
          fix: "sudo systemctl restart pkg-watt-stat.service (if it was started by hand, end it and start it again); "
            + "its log says more: journalctl -u pkg-watt-stat.service")
      }
    }
    // Without root a service that invents its watts is at the second path only.
    guard !silent.isEmpty, !measuredBy.isEmpty || answers.isEmpty else { return }
    warn(
      .service, "No service answers at \(silent.joined(separator: " or ")).",
      fix: measuredBy.isEmpty
        ? "mend what is said above first; to try it with invented watts: pkg-watt-stat serve --source simulated"
        : "sudo systemctl start pkg-watt-stat.service, or by hand: sudo pkg-watt-stat serve")
  }

  /// Whether the same sample is the latest at both paths, between one reading and the next.
  private static func isOne(_ paths: [String]) -> Bool {
    let lines = [paths[0], paths[1], paths[0]].map { path in
      do {
        var connection = try PowerConnection(paths: [path])
        return try connection.next().text
      } catch {
        return ""
      }
    }
    return lines[1] != "" && (lines[1] == lines[0] || lines[1] == lines[2])
  }

  /// "ok 42.5 W", "absent", or "simulated", "stranger" or "trouble" and a sentence.
  private static func ask(_ path: String) -> String {
    do {
      var connection = try PowerConnection(paths: [path])
      let server = connection.server
      let line = try connection.next().line
      guard server.trust == .trusted else { return "stranger \(server)" }
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
