import Foundation
import Glibc
import PowerSources
import RAPL
import SystemCalls
import Testing

@testable import Diagnosis

@Suite("A capture")
struct CaptureTests {
  @Test("is read as it was written")
  func roundTrip() throws {
    var capture = Capture()
    capture.errors = ["dev/cpu/0/msr": 13, "a path/with blanks": 2]
    capture.errors["sys/two\nlines"] = 1
    capture.permissions = ["a b": FilePermissions(mode: 0o4755, user: 1, group: 2)]
    capture.answers = ["service at /x": "ok 1 W", "odd\tkey": "two\nlines \\n and\ta tab", "empty": ""]
    capture.registers = [
      Capture.Register(cpu: 3, address: 0xC001_029B): .read([1, .max]),
      Capture.Register(cpu: 0, address: 0x64D): .failed(errno: 5),
    ]
    capture.zones = ["intel-rapl:0": .read([0, .max]), "odd\tzone\n": .failed(errno: 13)]
    capture.folders = ["sys/a b": ["x", "y\tz", "line\n"], "empty": []]
    var read = Capture()
    for (name, text) in capture.files {
      for line in text.split(separator: "\n") where !read.take(line, of: name) { Issue.record("\(name): \(line)") }
    }
    #expect(read == capture)
  }

  @Test(
    "refuses lines that it never wrote",
    arguments: [
      ("errors", "13"), ("errors", "x path"), ("errors", "-1 path"), ("errors", "0 path"),
      ("permissions", "755 0 path"),
      ("permissions", "9 0 0 path"), ("answers", "no tab"), ("registers", "0 0x606"), ("registers", "0 606 0x1"),
      ("registers", "0 0x1FFFFFFFF 0x1"), ("registers", "0 0x606 0xG"), ("registers", "0 0x606 error"),
      ("registers", "0 0x606 error -5"), ("registers", "0 0x606 0x1 junk"), ("other", "1 2 3"),
      ("registers", "0 0x606 "), ("zones", "intel-rapl:0 0x1"), ("zones", "intel-rapl:0\t"), ("zones", "a\terror 0"),
      ("zones", "a\t1"), ("zones", "a\t0x1\t0x2"),
    ])
  func malformed(file: String, line: String) {
    var capture = Capture()
    let isTaken = capture.take(Substring(line), of: file)
    #expect(!isTaken)
  }

  @Test("never writes into a folder that holds something, and says where a replayed one is broken")
  func folders() throws {
    let folder = NSTemporaryDirectory() + "pkg-watt-stat-capture-\(UInt64.random(in: 0...UInt64.max))"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var capture = Capture()
    capture.folders["an/empty/one"] = []
    try capture.write(texts: ["deep/down/file": "text"], to: folder)
    #expect(try String(contentsOfFile: folder + "/deep/down/file", encoding: .utf8) == "text")
    #expect(FileManager.default.fileExists(atPath: folder + "/an/empty/one"))
    #expect(throws: CaptureError.notEmpty(folder)) {
      try Capture().write(texts: [:], to: folder)
    }
    #expect(throws: CaptureError.notWritten(path: "/proc/none", errno: ENOENT)) {
      try Capture().write(texts: [:], to: "/proc/none")
    }
    try "junk\n".write(toFile: folder + "/capture/registers", atomically: false, encoding: .utf8)
    #expect(throws: CaptureError.malformed(path: folder + "/capture/registers", line: "junk")) {
      try Machine(root: folder)
    }
    try FileManager.default.removeItem(atPath: folder + "/capture/answers")
    #expect(throws: CaptureError.notRead(path: folder + "/capture/answers", errno: ENOENT)) {
      try Machine(root: folder)
    }
  }

  @Test(
    "of a folder with any name holds the same, by the same paths",
    arguments: ["plain", "höhe", "ho\u{308}he", "日本/語", "\u{301}accent", "end//"])
  func names(name: String) throws {
    let folder = NSTemporaryDirectory() + "pkg-watt-stat-capture-\(UInt64.random(in: 0...UInt64.max))"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let root = folder + "/" + name
    try FileManager.default.createDirectory(atPath: root + "/proc", withIntermediateDirectories: true)
    try "cpus".write(toFile: root + "/proc/cpuinfo", atomically: false, encoding: .utf8)
    let machine = try Machine(root: root)
    #expect(try machine.text(machine.root + "/proc/cpuinfo") == "cpus")
    #expect(try machine.names(in: machine.root + "/proc") == ["cpuinfo"])
    #expect(throws: FileError.self) { try machine.text(machine.root + "/sys/none") }
    let copy = folder + "/copy-" + name
    try machine.capture(in: copy)
    #expect(try String(contentsOfFile: copy + "/proc/cpuinfo", encoding: .utf8) == "cpus")
    #expect(try String(contentsOfFile: copy + "/capture/errors", encoding: .utf8) == "2 sys/none\n")
    #expect(try Set(FileManager.default.contentsOfDirectory(atPath: copy)) == ["capture", "proc"])
  }

  @Test(
    "that is incomplete is to be made again, and is no machine whose modules could be loaded",
    arguments: [[:], [0x606: [0xA0E03]]] as [[UInt32: [UInt64]]])
  func incomplete(registers: [UInt32: [UInt64]]) throws {
    let machine = ComposedMachine.intel("incomplete", model: 0x9E).registers(registers)
    try machine.withRoot { root in
      try "".write(toFile: root + "/capture/errors", atomically: false, encoding: .utf8)
      let error = #expect(throws: NothingToMeasure.self) { try EnergySources.firstThatMeasures(root: root) }
      for said in [error.map { "\($0)" } ?? "", Doctor.examine(try Machine(root: root)).text] {
        #expect(said.contains("capture the machine again") && !said.contains("modprobe"), "\(said)")
      }
      #expect(error.map { "\($0)" }?.contains("pkg-watt-stat doctor --root \(root)") == true)
    }
  }

  @Test("whose files are no text, no files or endless says so")
  func strangeFiles() throws {
    try ComposedMachine.intel("strange", model: 0x9E).withRoot { root in
      let path = root + "/capture/answers"
      for (make, words) in [
        ({ try Data([0xFF, 0xFE, 0]).write(to: URL(filePath: path)) }, "is not text"),
        ({ #expect(mkfifo(path, 0o600) == 0) }, "is not a regular file"),
        ({ #expect(truncate(path, 8 << 30) == 0) }, "is too large"), ({}, "is missing"),
      ] as [(() throws -> Void, String)] {
        try? FileManager.default.removeItem(atPath: path)
        if words == "is too large" { try Data().write(to: URL(filePath: path)) }
        try make()
        let error = #expect(throws: CaptureError.self) { try Machine(root: root) }
        #expect(error.map { "\($0)".contains(words) && "\($0)".contains(path) } == true, "\(String(describing: error))")
      }
    }
  }

  @Test(
    "without a trace is not served but explained, by registers and by powercap",
    arguments: [
      ComposedMachine.intel("registers", model: 0x9E).registers([0x606: [0xA0E03], 0x611: [1000, 2000]]),
      ComposedMachine.intel("zones", model: 0x9E).zone("intel-rapl:0", "package-0", .read([1000, 2000])),
    ])
  func noTrace(machine: ComposedMachine) throws {
    try machine.withRoot { root in
      let error = #expect(throws: NothingToMeasure.self) { try EnergySources.firstThatMeasures(root: root) }
      let sentence = "This capture has no trace, so the service cannot replay it; "
      let said = error.map { "\($0)" } ?? ""
      #expect(said.components(separatedBy: sentence).count == 2, "\(said)")
      let report = Doctor.examine(try Machine(root: root))
      #expect(report.exitCode == 0 && report.text.contains(sentence), "\(report.text)")
    }
  }

  @Test("of two values for each counter has a psys that moved between them")
  func movingPlatform() throws {
    let machine = ComposedMachine.intel("psys", model: 0x9E).registers([
      0x606: [0xA0E03], 0x611: [1000, 2000], 0x64D: [5, 9], 0x619: [3],
    ])
    try machine.withRoot { root in
      let told = Doctor.examine(try Machine(root: root)).text
      #expect(told.contains("psys (61.0 uJ)"), "\(told)")
    }
  }

  @Test("does not say of a register that it lacks that it faults, and neither does a copy of it")
  func lacking() throws {
    let machine = ComposedMachine.intel("lacks", model: 0x9E).registers([0x606: [0xA0E03], 0x611: [1000, 2000]])
    try machine.withRoot { root in
      let captured = try Machine(root: root)
      let told = Doctor.examine(captured).text
      #expect(told.contains("DRAM (this capture has no value for it)") && !told.contains("EIO"), "\(told)")
      captured.takeInventory()
      let copy = root + "-copy"
      defer { try? FileManager.default.removeItem(atPath: copy) }
      try captured.capture(in: copy)
      #expect(try !String(contentsOfFile: copy + "/capture/registers", encoding: .utf8).contains("error"))
      let again = Doctor.examine(try Machine(root: copy)).text
      #expect(again == told)
    }
  }
}
