internal import ArgumentParser
internal import CMSRShim
internal import Formats
internal import Formatting
internal import Glibc
internal import PowerClient
internal import PowerProtocol
internal import SystemCalls

/// Writes samples of a running service in the formats of others.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write what a running service measures as metrics, CSV, JSON, a waybar module or any text.",
    discussion: """
      openmetrics and prometheus are metrics, the latter in the text format that node_exporter's textfile collector takes; \
      csv has a header and a row for each sample; json is the service's own sample; waybar is a line for a custom module; \
      template is any text, see --template. Watts of a stale sample are left out (in waybar marked, in json as the service \
      says them). Where the service does not answer, metrics (pkg_watt_stat_up 0) and waybar ("no watts") say so, and the \
      exit code is 1.
      """)

  @OptionGroup var service: ClientOptions

  @Option(
    help: ArgumentHelp(
      "How to write: \(ExportFormat.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "format"))
  var format: ExportFormat

  @Option(
    help: ArgumentHelp(
      "With --format template: the text, with placeholders such as {watts:.1f}, {status} or {package0.core.joules}; {{ and }} are braces. Placeholders are \(SampleTemplate.names.joined(separator: ", ")); and \(SampleTemplate.partNames.joined(separator: ", ")) of a package or domain.",
      valueName: "text"),
    completion: .list(SampleTemplate.names.map { "{\($0)}" }))
  var template: String?

  @Flag(
    help: """
      Write the present sample and then each new one, until interrupted or nobody reads; a service that goes away or hangs \
      is waited for.
      """)
  var follow = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "With --follow: seconds from sample to sample; without it the service's own interval.", valueName: "seconds"))
  var interval: Double?

  @Option(
    help: ArgumentHelp(
      "Write into this file instead, whole or not at all; with --follow it always holds the latest sample alone. A pipe or device gets one sample behind the other.",
      valueName: "file"))
  var output: String?

  func validate() throws {
    guard (format == .template) == (template != nil) else {
      throw ValidationError("--format template needs --template, and no other format has one.")
    }
    if interval != nil && !follow { throw ValidationError("--interval needs --follow.") }
    if let interval, !(interval > 0 && interval <= Request.longestIntervalSeconds) {
      throw ValidationError("--interval must be more than 0, and 86400 at most.")
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
          StandardError.complain("Error: \(error) Waiting for it.")
          try writeAbsence(error, to: place)
        }
        isGone = true
        if cmsr_wait_readable_for_reader(-1, -1, reader, 1000) == EPIPE { try StandardOutput.endUnread() }
      }
    }
  }

  /// Writes each sample until the service goes away, or neither delivers nor answers.
  ///
  /// - Parameter header: what was written first; nil where nothing was yet.
  private func followService(
    _ header: inout String?, isGone: inout Bool, to place: borrowing Output
  ) throws {
    var connection = try service.connect()
    let writer = try writer(for: &connection)
    let first = try connection.sample()
    let given = try connection.subscribe(intervalSeconds: interval)
    // Root asks for any interval, and gets the service's shortest.
    if header == nil, let interval, let seconds = given.intervalSeconds, seconds > interval {
      StandardError.say("Warning: The service has no samples \(interval) s apart; these are \(seconds) s apart.")
    }
    if header == nil, !place.isFile { try place.write(writer.header) }
    if let header, header != writer.header { throw ExportError.otherColumns }
    header = writer.header
    try write(first, by: writer, to: place)
    isGone = false
    while let sample = try connection.nextSample(output: reader) { try write(sample, by: writer, to: place) }
    try StandardOutput.endUnread()
  }

  /// Who has to go on reading; nobody where something else is written to.
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

/// Why what was begun cannot be gone on with.
enum ExportError: Error, CustomStringConvertible {
  /// The service that came back measures something else.
  case otherColumns

  var description: String {
    "The service has come back and measures other packages or domains, which the columns do not fit; start export again."
  }
}
