import Formats
import Foundation
import PowerClient
import PowerProtocol
import Synchronization
import SystemCalls
import Testing

@testable import Exporter

@Suite("An export of samples", .timeLimit(.minutes(1)))
struct SampleExportTests {
  /// Where it writes to: a pipe, which gets one text after the other, or a file.
  private final class Place {
    let folder = NSTemporaryDirectory() + "pkg-watt-stat-export-" + UUID().uuidString
    var path: String { folder + "/out" }
    private var reader: Int32 = -1

    init(isPipe: Bool = true) throws {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
      guard isPipe else { return }
      #expect(mkfifo(path, 0o600) == 0)
      reader = open(path, O_RDWR | O_NONBLOCK)
    }

    func output() throws -> Output { try Output(path, orElse: .standardOutput) }

    /// All that was written to the pipe since the last call, or the file's content.
    func text() throws -> String {
      guard reader >= 0 else { return try String(contentsOfFile: path, encoding: .utf8) }
      var text = ""
      var bytes = [UInt8](repeating: 0, count: 65_536)
      while case let count = read(reader, &bytes, bytes.count), count > 0 {
        text += String(decoding: bytes[..<count], as: UTF8.self)
      }
      return text
    }

    deinit {
      if reader >= 0 { close(reader) }
      try? FileManager.default.removeItem(atPath: folder)
    }
  }

  private static func export(
    _ format: ExportFormat, _ path: String, template: String? = nil
  ) throws -> SampleExport {
    var export = try SampleExport(format, template: template, of: ServiceAddress(path), version: "0.1.0")
    export.pauseMilliseconds = 10
    return export
  }

  @Test("writes a header and one sample")
  func once() throws {
    let service = try FakeService { FakeService.answer($0) }
    let place = try Place()
    try Self.export(.csv, service.path).once(to: try place.output())
    let table = SampleTable(Examples.info)
    #expect(try place.text() == table.header + "\n" + table.row(Examples.sample) + "\n")
  }

  @Test("refuses a template before it asks, and one that the service cannot fill before it writes")
  func template() throws {
    #expect(throws: TemplateError.unknown("x")) { try Self.export(.template, "/nowhere", template: "{x}") }
    let service = try FakeService { FakeService.answer($0) }
    let place = try Place()
    let export = try Self.export(.template, service.path, template: "{package7.watts}")
    #expect(throws: TemplateError.self) { try export.once(to: try place.output()) }
    #expect(try place.text() == "")
  }

  @Test("of metrics says that no service answers, and fails; of rows it writes nothing")
  func absence() throws {
    for (format, text) in [(ExportFormat.prometheus, "pkg_watt_stat_up 0"), (.waybar, "no watts"), (.csv, "")] {
      let place = try Place()
      let export = try Self.export(format, "/nowhere/watts.sock")
      #expect(throws: ClientError.noService(paths: ["/nowhere/watts.sock"])) { try export.once(to: try place.output()) }
      let written = try place.text()
      #expect(text.isEmpty ? written.isEmpty : written.contains(text))
      #expect(throws: ClientError.self) {
        try export.follow(to: try place.output(), interval: nil, reader: -1) { Issue.record("\($0)") }
      }
      #expect(try place.text() == written, "it waits only for a service that was there")
    }
  }

  @Test("follows: waits for a service that has gone, says so once, and goes on without another header")
  func follow() throws {
    let attempts = Mutex(0)
    // The connection ends with the second sample, twice; the third service measures something else.
    let service = try FakeService { request in
      var info = Examples.info
      if case .info = request { attempts.withLock { $0 += 1 } }
      if attempts.withLock({ $0 }) == 3 { info.packages.removeLast() }
      return FakeService.answer(request, info: info, samples: 1, ends: true)
    }
    let place = try Place()
    var warnings: [String] = []
    #expect(throws: OtherColumns.self) {
      try Self.export(.csv, service.path).follow(to: try place.output(), interval: nil, reader: -1) {
        warnings.append($0)
      }
    }
    let table = SampleTable(Examples.info)
    let rows = [table.header] + [String](repeating: table.row(Examples.sample), count: 4)
    #expect(try place.text() == rows.map { $0 + "\n" }.joined())
    #expect(warnings.count == 2 && warnings.allSatisfy { $0.contains("ended") && $0.contains("Waiting") })
  }

  @Test("of metrics says once that the service has gone, and replaces the file by it")
  func gone() throws {
    let service = try FakeService { FakeService.answer($0, samples: 1, ends: true) }
    let place = try Place(isPipe: false)
    let export = try Self.export(.prometheus, service.path)
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let (reader, writer) = (ends[0], ends[1])
    defer { close(writer) }
    var warnings = 0
    try export.follow(to: try place.output(), interval: nil, reader: writer) { _ in
      warnings += 1
      // Nobody comes back; the reader of the output goes after a while.
      service.end()
      Thread.detachNewThread {
        usleep(100_000)
        close(reader)
      }
    }
    #expect(warnings == 1)
    #expect(try place.text().contains("pkg_watt_stat_up 0"))
    #expect(service.connections.withLock { $0 } == 1)
  }

  @Test("says that samples come less often than they were asked for")
  func slower() throws {
    let service = try FakeService { FakeService.answer($0, interval: 0.5) }
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let (reader, writer) = (ends[0], ends[1])
    defer { close(writer) }
    var warnings: [String] = []
    let place = try Place()
    try Self.export(.json, service.path).follow(to: try place.output(), interval: 0.1, reader: writer) { warning in
      warnings.append(warning)
      close(reader)
    }
    #expect(warnings.count == 1 && warnings[0].contains("0.1 s") && warnings[0].contains("0.5 s"))
  }
}
