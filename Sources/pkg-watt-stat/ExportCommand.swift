public import ArgumentParser
internal import Exporter
public import Formats
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
      "Write to this file instead of stdout, and replace it as a whole each time: with --follow it always holds only the latest sample. If the file is a pipe or device, samples are appended.",
      valueName: "file"))
  var output: String?

  func validate() throws {
    if format == .template && template == nil { throw ValidationError("--format template needs --template.") }
    if format != .template && template != nil {
      throw ValidationError("--template needs --format template, not --format \(format.rawValue).")
    }
    if interval != nil && !follow { throw ValidationError("--interval needs --follow.") }
    try ClientOptions.check(interval: interval)
    if output == "" { throw ValidationError("--output needs the path of a file.") }
  }

  func run() throws {
    do {
      let export = try SampleExport(format, template: template, of: service.address, version: PkgWattStat.version)
      let place = try Output(output, orElse: .standardOutput)
      guard follow else { return try export.once(to: place) }
      let reader = output == nil ? StandardOutput.reader : -1
      try export.follow(to: place, interval: interval, reader: reader) { StandardError.complain($0) }
      StandardOutput.endUnread()
    } catch let error as TemplateError {
      throw UsageError("\(error)")
    }
  }
}

// What is typed is the raw value.
extension ExportFormat: ExpressibleByArgument {}
