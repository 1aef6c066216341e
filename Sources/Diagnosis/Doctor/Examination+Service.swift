internal import Formatting
internal import PowerClient
internal import PowerProtocol

extension Examination {
  /// The service refuses to start as this process, so it measures nothing.
  mutating func takeRefusal(_ refusal: String?) {
    guard let refusal else { return }
    obstruct(.service, refusal, fix: nil)
    measuredBy = []
  }

  /// Examines the running service at its sockets. One that serves at both is examined once.
  mutating func lookAtService() {
    let paths = [SocketPaths.preferred, SocketPaths.original]
    var silent: [String] = []
    var answers: [(path: String, words: [String])] = []
    for path in paths {
      let answer = machine.answer("service at \(path)") { machine.isOwn ? Self.ask(path) : nil }
      // A folder that stands for a machine has no services.
      guard let answer else { continue }
      let words = answer.split(separator: " ", maxSplits: 1).map(String.init)
      if words.first == "absent" { silent.append(path) } else { answers.append((path, words)) }
    }
    // A service that hangs is not asked again.
    let isOne =
      answers.count == 2 && answers.allSatisfy { $0.words.first != "trouble" }
      && machine.answer("one service at both paths") { machine.isOwn ? Self.isOne(paths) ? "yes" : "no" : nil } == "yes"
    for (path, words) in isOne ? answers.prefix(1) : answers[...] {
      switch words.first {
      case "ok":
        let places = isOne ? paths.joined(separator: " and ") : path
        ok(.service, "The service answers at \(places): \(words.last ?? "").")
      case "stranger":
        warn(.service, words.last ?? "", fix: "end the program that serves there, and start the service instead")
      case "simulated" where measuredBy.isEmpty:
        ok(.service, words.last ?? "")
      case "simulated":
        warn(.service, words.last ?? "", fix: "to measure, end it, and start the service without --source simulated")
      default:
        warn(
          .service, words.last ?? "",
          fix: "sudo systemctl restart pkg-watt-stat.service (if you started it by hand, end it and start it again); "
            + "see also its log: journalctl -u pkg-watt-stat.service")
      }
    }
    // Without root, a simulated service serves only at the second path.
    guard !silent.isEmpty, !measuredBy.isEmpty || answers.isEmpty else { return }
    let text = "No service answers at \(silent.joined(separator: " or "))"
    if measuredBy.isEmpty { return skip(.service, "\(text). None could measure this machine.") }
    warn(
      .service, "\(text).", fix: "sudo systemctl start pkg-watt-stat.service, or by hand: sudo pkg-watt-stat serve")
  }

  /// Whether both paths have the same latest sample, between one reading and the next.
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

  /// "ok 42.5 W" with what it measures and how, or "absent"; or "simulated", "stranger" or "trouble", followed by a sentence.
  private static func ask(_ path: String) -> String {
    do {
      var connection = try PowerConnection(paths: [path])
      let server = connection.server
      let line = try connection.next().line
      guard server.trust == .trusted else { return "stranger \(server)" }
      let note = line.status == .simulated ? " (invented)" : ""
      let sentence = "The service at \(path) reports \(line.wattsText)\(note), status \(line.status.rawValue)."
      return switch line.status {
      case .ok: "ok \(line.wattsText)" + ((try? connection.info()).map { " (\($0.description.printable))" } ?? "")
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
