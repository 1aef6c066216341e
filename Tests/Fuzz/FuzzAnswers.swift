internal import EnergyRun
internal import Formats
internal import Formatting
internal import Glibc
internal import PowerClient
internal import PowerProtocol
internal import RAPL
internal import Terminal

/// What a server says, in chunks: the input's first byte says how long they are. Each line goes the way of each command that
/// could get it: nothing of it may trap, and nothing may reach a terminal that steers it.
func fuzzAnswers(_ data: UnsafeBufferPointer<UInt8>) -> Int32 {
  guard let first = data.first else { return 0 }
  var buffer = LineBuffer()
  var commands = Commands()
  var rest = data.dropFirst()
  while !rest.isEmpty {
    buffer.append(rest.prefix(Int(first) * 7 + 1))
    rest = rest.dropFirst(Int(first) * 7 + 1)
    while let line = buffer.next() {
      do throws(AnswerError) {
        commands.take(try Answer(line: line), line)
      } catch {
        // Whatever a line is, the sentence that says so is for a terminal.
        expectPrintable(ClientError.notTheProtocol(path: "/socket", why: error.why))
      }
    }
  }
  commands.end()
  return 0
}

/// All commands that ask a service, each with what it has heard so far.
private struct Commands {
  private static let now = 1.7e9
  private static let size = ScreenSize(columns: 60, rows: 16)
  private static let template = try? SampleTemplate(
    "{watts:.1f} {status} {reason} {package0.core.joules:.3f} {sequence}")

  private var view = LiveView()
  private var lines = PlainLines()
  private var info: ServiceInfo?
  private var sample: SampleReport?
  private var tally: EnergyTally?

  mutating func take(_ answer: Answer, _ line: [UInt8]) {
    // read --json hands the line on.
    precondition(line.allSatisfy { 0x20...0x7E ~= $0 })
    view.apply(answer)
    switch answer {
    case .line(let line):
      precondition((try? Answer(line: line.encoded.dropLast())) == answer)
      expectPrintable(lines.next(Reading(line)))
      expectPrintable(lines: WatchSnapshot.lines(line, now: Self.now))
    case .info(let info):
      self.info = info
      _ = info.json.line
    case .sample(let sample): take(sample)
    case .history(let history):
      if let sample { expectPrintable(lines: WatchSnapshot.lines(sample, history: history, now: Self.now)) }
    case .limits(let limits): precondition((try? Answer(line: limits.json.line.dropLast())) == answer)
    case .subscribed(let subscription): _ = subscription.json.line
    case .refused(let refusal):
      expectPrintable(
        ClientError.refused(path: "/socket", refusal), RunFailure.service(.refused(path: "/socket", refusal)))
    }
  }

  private mutating func take(_ sample: SampleReport) {
    self.sample = sample
    // What is handed on says the same again, to the digit.
    precondition((try? Answer(line: sample.json.line.dropLast())) == .sample(sample))
    expectPrintable(lines.next(Reading(sample)), WaybarModule.line(sample), Self.template?.text(sample) ?? "")
    expectPrintable(RunFailure.noReading(seconds: sample.windowSeconds, reason: sample.reason))
    guard let point = EnergyPoint(sample) else { return }
    if tally == nil { tally = EnergyTally(from: point, windowSeconds: 0.25) }
    tally?.add(point)
  }

  private mutating func draw() {
    for key in [Key.domains, .zoomOut, .help] {
      for line in view.lines(size: Self.size, characters: .ascii, now: Self.now) { expectPrintable(line.text) }
      view.press(key, now: Self.now)
    }
    for line in view.lines(size: Self.size, characters: .ascii, now: Self.now) { expectPrintable(line.text) }
  }

  /// watch shows what it heard, the exporter hands the latest on, and run reports it.
  mutating func end() {
    draw()
    if let info, let sample {
      expectPrintable(SampleTable(info).header, SampleTable(info).row(sample))
      let families = Metrics.families(of: Observation(info: info, sample: sample), version: "1")
      for format in [MetricsFormat.openMetrics, .classic] { expectPrintable(line: format.text(families)) }
    }
    guard let info, let tally else { return }
    let span = CommandSpan(start: tally.first.seconds, end: tally.last.seconds)
    var report = RunReport(command: ["true"], info: info, windowSeconds: 0.25)
    report.idle = IdlePower(tally, info.policy)
    let energy = RunEnergy(tally, during: span, info.policy)
    report.runs = [
      RunOutcome(
        end: .exited(0), seconds: span.seconds,
        energy: energy.map { .success($0) } ?? .failure(.noReading(seconds: span.seconds, reason: nil)))
    ]
    expectPrintable(line: report.text)
    expectPrintable(report.json.text)
  }
}

private func expectPrintable(_ texts: any CustomStringConvertible...) {
  for text in texts { expectPrintable(line: "\(text)") }
}

private func expectPrintable(lines: [String]) {
  for line in lines { expectPrintable(line: line) }
}

/// - Parameter line: one line, or several: they are told apart by newlines, which steer nothing.
private func expectPrintable(line: String) {
  var line = line
  precondition(line.withUTF8 { bytes in bytes.allSatisfy { 0x20...0x7E ~= $0 || $0 == 0x0A } }, "\(line)")
}
