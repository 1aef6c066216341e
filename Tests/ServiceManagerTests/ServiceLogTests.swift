import Foundation
import Logging
import Testing

@testable import ServiceManager

/// A pipe as stderr, whose reader may be slow.
private struct Pipe: ~Copyable {
  let reader: Int32
  let writer: Int32

  init() {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    (reader, writer) = (ends[0], ends[1])
    for end in ends { #expect(fcntl(end, F_SETFL, O_NONBLOCK) == 0) }
    // As small as it can be, one page. Swift lacks the constant, F_SETPIPE_SZ.
    #expect(fcntl(writer, 1031, 4096) == 4096)
  }

  /// Everything that has arrived.
  func read() -> String {
    var text = ""
    var bytes = [UInt8](repeating: 0, count: 65_536)
    while case let count = Foundation.read(reader, &bytes, bytes.count), count > 0 {
      text += String(decoding: bytes[..<count], as: UTF8.self)
    }
    return text
  }

  deinit {
    close(reader)
    close(writer)
  }
}

@Suite("The log of a service")
struct ServiceLogTests {
  @Test(
    "is a line for each message, with its level, or to the journal with its priority",
    arguments: [
      (Logger.Level.critical, "CRITICAL: ", "<2>"), (.error, "ERROR: ", "<3>"), (.warning, "WARNING: ", "<4>"),
      (.notice, "NOTICE: ", "<5>"), (.info, "INFO: ", "<6>"), (.debug, "DEBUG: ", "<7>"), (.trace, "TRACE: ", "<7>"),
    ])
  func line(level: Logger.Level, word: String, priority: String) {
    for (isJournal, start) in [(false, word), (true, priority)] {
      let pipe = Pipe()
      let handler = ServiceLog(LogOutput(own: pipe.writer), level: .trace, isJournal: isJournal)
      Logger(label: "test") { _ in handler }.log(level: level, "a\u{1B}[2Jb\nc\td")
      #expect(pipe.read() == start + "a?[2Jb?c d\n")
    }
  }

  @Test(
    "ends with the last words of a service: as they are, or to the journal with the priority of an error on each line")
  func lastWords() {
    for (isJournal, expected) in [(false, "Error: a\n  b?\n"), (true, "<3>Error: a\n<3>  b?\n")] {
      let pipe = Pipe()
      ServiceLog(LogOutput(own: pipe.writer), level: .error, isJournal: isJournal).complain("Error: a\n  b\u{1B}")
      #expect(pipe.read() == expected)
    }
  }

  @Test("has nothing below the level that was asked for", arguments: LogLevel.allCases)
  func level(level: LogLevel) {
    let pipe = Pipe()
    let handler = ServiceLog(LogOutput(own: pipe.writer), level: level.level, isJournal: false)
    let logger = Logger(label: "test") { _ in handler }
    logger.debug("x")
    logger.info("x")
    logger.warning("x")
    logger.error("x")
    let expected = ["DEBUG", "INFO", "WARNING", "ERROR"].drop { $0 != level.rawValue }
    #expect(pipe.read() == expected.map { "\($0): x\n" }.joined())
  }

  @Test("never waits for its reader: lines that do not fit are dropped whole, and counted once there is room")
  func full() {
    let pipe = Pipe()
    let output = LogOutput(own: pipe.writer)
    let line = String(repeating: "x", count: 4999) + "\n"
    func write(_ text: String) { output.write(text) { "\($0) dropped\n" } }
    for _ in 0..<3 { write(line) }
    // A part of the first line has arrived, and the rest of it comes first later.
    let before = pipe.read()
    #expect(!before.isEmpty && before.utf8.count <= 4096)
    write("later\n")
    #expect(before + pipe.read() == line + "2 dropped\nlater\n")
    write("again\n")
    #expect(pipe.read() == "again\n")
  }

  @Test("ends with its reader, and the service does not")
  func closed() {
    let pipe = Pipe()
    let output = LogOutput(own: pipe.writer)
    // A service ignores SIGPIPE.
    let before = signal(SIGPIPE, SIG_IGN)
    defer { signal(SIGPIPE, before) }
    dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), pipe.reader)
    for _ in 0..<3 { output.write("x\n") { "\($0) dropped\n" } }
  }
}
