internal import ArgumentParser
internal import CMSRShim
internal import Formats
internal import Formatting
internal import Glibc
internal import PowerClient
internal import PowerProtocol
internal import SystemCalls

/// Writes samples of a running service in the formats of other programs.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write the service's samples as metrics, CSV, JSON, a waybar module or any text.",
    discussion: """
      openmetrics and prometheus are metrics; prometheus is the classic text format, which node_exporter's textfile \
      collector reads. csv is a header, then a row for each sample. json is the service's own sample, unchanged. waybar is \
      a line for a custom module. template is any text; see --template. The watts of a stale sample are left out; waybar \
      marks them as stale, and json keeps them. If the service does not answer, metrics (pkg_watt_stat_up 0) and waybar \
      ("no watts") say so, and the exit code is 1.
      """)

  @OptionGroup var service: ClientOptions

  @Option(
    help: ArgumentHelp(
      "The output format: \(ExportFormat.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "format"))
  var format: ExportFormat

  @Option(
    help: ArgumentHelp(
      "The text for --format template. Placeholders such as {watts:.1f}, {status} or {package0.core.joules} are filled in; {{ and }} print braces. The names are \(SampleTemplate.names.joined(separator: ", ")); for packages and domains, \(SampleTemplate.partNames.joined(separator: ", ")).",
      valueName: "text"),
    completion: .list(SampleTemplate.names.map { "{\($0)}" }))
  var template: String?

  @Flag(
    help: """
      Write the present sample and then each new one, until interrupted or the reader closes the pipe. If the service goes \
      away or hangs, wait for it.
      """)
  var follow = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "With --follow: seconds between samples. Default: the service's own interval.", valueName: "seconds"))
  var interval: Double?

  @Option(
    help: ArgumentHelp(
      "Write to this file instead of stdout, and replace it as a whole each time: with --follow it always holds only the latest sample. A pipe or device gets one sample after the other.",
      valueName: "file"))
  var output: String?

  func validate() throws {
    guard (format == .template) == (template != nil) else {
      throw ValidationError("--format template needs --template; no other format can have it.")
    }
    if interval != nil && !follow { throw ValidationError("--interval needs --follow.") }
    if let interval, !(interval > 0 && interval <= Request.longestIntervalSeconds) {
      throw ValidationError("--interval must be more than 0 and at most 86400 seconds.")
    }
    if output == "" { throw ValidationError("--output needs the path of a file.") }
  }

  func run() throws {
    // Before anything is asked or written.
    _ = try parsedTemplate()
    let place = try Output(output, orElse: .standardOutput)
    do {
      try export(to: place)
    } catch let error as ClientError {
      try writeAbsence(error, to: place)
      throw error
    }
  }

  private func export(to place: borrowing Output) throws {
    guard follow else {
      var connection = try service.connect()
      let writer = try writer(for: &connection)
      if !place.isFile { try place.write(writer.header) }
      return try write(try connection.sample(), by: writer, to: place)
    }
    var header: String?
    var isGone = false
    while true {
      do {
        try followService(&header, isGone: &isGone, to: place)
      } catch let error as ClientError where header != nil && error.isEndOfService {
        if !isGone {
          StandardError.complain("Error: \(error) Waiting for the service to come back.")
          try writeAbsence(error, to: place)
        }
        isGone = true
        if cmsr_wait_readable_for_reader(-1, -1, reader, 1000) == EPIPE { try StandardOutput.endUnread() }
      }
    }
  }

  /// Writes each sample until the service goes away, or neither delivers nor answers.
  ///
  /// - Parameter header: the header that was written first; nil if nothing was written yet.
  private func followService(
    _ header: inout String?, isGone: inout Bool, to place: borrowing Output
  ) throws {
    var connection = try service.connect()
    let writer = try writer(for: &connection)
    let first = try connection.sample()
    let given = try connection.subscribe(intervalSeconds: interval)
    // Root asks for any interval, and gets the service's shortest.
    if header == nil, let interval, let seconds = given.intervalSeconds, seconds > interval {
      StandardError.say(
        "Warning: The service cannot give a sample every \(interval) s; there is one every \(seconds) s.")
    }
    if header == nil, !place.isFile { try place.write(writer.header) }
    if let header, header != writer.header { throw ExportError.otherColumns }
    header = writer.header
    try write(first, by: writer, to: place)
    isGone = false
    while let sample = try connection.nextSample(output: reader) { try write(sample, by: writer, to: place) }
    try StandardOutput.endUnread()
  }

  /// The descriptor whose reader must stay: stdout, or -1 if the output goes elsewhere.
  private var reader: Int32 { output == nil ? StandardOutput.reader : -1 }

  private func writer(for connection: inout PowerConnection) throws -> SampleWriter {
    do {
      return try SampleWriter(
        format, try connection.info(), template: try parsedTemplate(), version: PkgWattStat.version)
    } catch let error as TemplateError {
      throw UsageError("\(error)")
    }
  }

  private func write(_ sample: SampleReport, by writer: SampleWriter, to place: borrowing Output) throws {
    try place.write((place.isFile ? writer.header : "") + writer.text(sample))
  }

  private func writeAbsence(_ error: ClientError, to place: borrowing Output) throws {
    if let text = SampleWriter.absence(format, "\(error)", version: PkgWattStat.version) { try place.write(text) }
  }

  private func parsedTemplate() throws -> SampleTemplate? {
    do throws(TemplateError) {
      return try template.map { (text) throws(TemplateError) in try SampleTemplate(text) }
    } catch {
      throw UsageError("\(error)")
    }
  }
}

/// Why an export cannot continue.
enum ExportError: Error, CustomStringConvertible {
  /// The service that came back measures something else.
  case otherColumns

  var description: String {
    "The service was restarted and now measures other packages or domains, so the columns no longer fit; start export again."
  }
}
