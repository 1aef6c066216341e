internal import CMSRShim
public import Formats
internal import Glibc
public import PowerClient
internal import PowerProtocol
public import SystemCalls

/// Writes samples of a service, in the format of another program, to a file or a stream.
public struct SampleExport {
  private let service: ServiceAddress
  private let format: ExportFormat
  private let template: SampleTemplate?
  private let version: String
  /// How long to wait for a service that has gone, before the next attempt to connect, in milliseconds.
  var pauseMilliseconds: Int32 = 1000

  /// - Parameters:
  ///   - template: for the format `template`.
  ///   - version: the version of this program.
  /// - Throws: what is wrong with the template.
  public init(
    _ format: ExportFormat, template: String?, of service: ServiceAddress, version: String
  ) throws(TemplateError) {
    self.service = service
    self.format = format
    self.version = version
    self.template = try template.map { (text) throws(TemplateError) in try SampleTemplate(text) }
  }

  /// Writes the present sample. If the service does not answer, that is written too, if the format can say it.
  ///
  /// - Throws: `ClientError`, `TemplateError` if the service does not measure what the template names, or `OutputError`.
  public func once(to place: borrowing Output) throws {
    do {
      var connection = try service.connect()
      let writer = try writer(for: &connection)
      if !place.isFile { try place.write(writer.header) }
      try write(try connection.sample(), by: writer, to: place)
    } catch let error as ClientError {
      try writeAbsence(error, to: place)
      throw error
    }
  }

  /// Writes the present sample and then each new one. If the service goes away or hangs, it waits for the service.
  ///
  /// - Parameters:
  ///   - interval: seconds between samples; nil for the service's own interval.
  ///   - reader: a descriptor whose reader must stay; or -1.
  ///   - warn: takes a sentence about the service.
  /// - Returns: once that reader is gone.
  /// - Throws: as `once(to:)`; `OtherColumns` if the service that came back measures something else.
  public func follow(
    to place: borrowing Output, interval: Double?, reader: Int32, warn: (String) -> Void
  ) throws {
    var header: String?
    var isGone = false
    while true {
      do {
        return try followService(&header, isGone: &isGone, to: place, interval, reader, warn)
      } catch let error as ClientError {
        let waits = header != nil && error.isEndOfService
        if waits && !isGone {
          // On a line of its own: the error may end in a command.
          warn("Error: \(error)\nWaiting for the service to come back.")
        }
        if !waits || !isGone { try writeAbsence(error, to: place) }
        guard waits else { throw error }
        isGone = true
        if cmsr_wait_readable(-1, -1, reader, pauseMilliseconds) == EPIPE { return }
      }
    }
  }

  /// Writes each sample until the service goes away, or neither delivers nor answers.
  ///
  /// - Parameter header: the header that was written first; nil if nothing was written yet.
  /// - Returns: once the reader is gone.
  private func followService(
    _ header: inout String?, isGone: inout Bool, to place: borrowing Output, _ interval: Double?, _ reader: Int32,
    _ warn: (String) -> Void
  ) throws {
    var connection = try service.connect()
    let writer = try writer(for: &connection)
    let first = try connection.sample()
    let given = try connection.subscribe(intervalSeconds: interval)
    // Root asks for any interval, and gets the service's shortest.
    if header == nil, let interval, let seconds = given.intervalSeconds, seconds > interval {
      warn("Warning: The service cannot give a sample every \(interval) s; there is one every \(seconds) s.")
    }
    if header == nil, !place.isFile { try place.write(writer.header) }
    if let header, header != writer.header { throw OtherColumns() }
    header = writer.header
    try write(first, by: writer, to: place)
    isGone = false
    while let sample = try connection.nextSample(output: reader) { try write(sample, by: writer, to: place) }
  }

  private func writer(for connection: inout PowerConnection) throws -> SampleWriter {
    try SampleWriter(format, try connection.info(), template: template, version: version)
  }

  private func write(_ sample: SampleReport, by writer: SampleWriter, to place: borrowing Output) throws {
    try place.write((place.isFile ? writer.header : "") + writer.text(sample))
  }

  private func writeAbsence(_ error: ClientError, to place: borrowing Output) throws {
    if let text = SampleWriter.absence(format, "\(error)", version: version) { try place.write(text) }
  }
}

/// The service that came back measures something else.
public struct OtherColumns: Error, CustomStringConvertible {
  /// What happened, and what to do.
  public var description: String {
    "The service was restarted and now measures other packages or domains, so the columns no longer fit; start export again."
  }
}
