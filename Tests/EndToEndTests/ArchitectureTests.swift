import Foundation
import Testing

@Suite("The rooms of the code")
struct ArchitectureTests {
  /// The text of a section of the Architecture page, and the cells of its table's rows.
  private static func section(_ name: String, columns: Int) throws -> (text: Substring, rows: [[String]]) {
    let page = try ProjectFiles.text("Sources/pkg-watt-stat/pkg-watt-stat.docc/Architecture.md")
    let text = try #require(page.split(separator: "### \(name)\n").last?.split(separator: "### ").first)
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst()
    return try (
      text,
      rows.map { row in
        let cells = row.split(separator: "|", omittingEmptySubsequences: false).map {
          $0.trimmingCharacters(in: .whitespaces)
        }
        try #require(cells.count == columns + 2, "a row of the table of \(name) is not a row: \(row)")
        return Array(cells.dropFirst().dropLast())
      }
    )
  }

  /// The table of rooms: what each may import. The executable may import all.
  private static func table() throws -> [String: Set<String>] {
    let rows = try section("Rooms", columns: 3).rows
    return Dictionary(
      uniqueKeysWithValues: rows.map { ($0[0], Set($0[2].split(separator: ", ").map(String.init))) })
  }

  @Test("are the targets, and import what the Architecture page says")
  func imports() throws {
    var table = try Self.table()
    let rooms = Set(table.keys)
    table["pkg-watt-stat"] = rooms
    #expect(table.removeValue(forKey: "CMSRShim") == [])
    let folders = try FileManager.default.contentsOfDirectory(atPath: ProjectFiles.top.appending(path: "Sources").path)
    #expect(Set(folders) == Set(table.keys))
    for (room, allowed) in table {
      var imported: Set<String> = []
      for file in try ProjectFiles.sources(below: "Sources/\(room)") {
        let text = try String(contentsOf: file, encoding: .utf8)
        for match in text.matches(of: /(?m)^(?:@\w+ )*(?:\w+ )?import (?:\w+ )?(\w+)/) {
          imported.insert(String(match.1))
        }
      }
      imported.formIntersection(rooms)
      if room == "pkg-watt-stat" {
        #expect(imported.isSubset(of: allowed))
      } else {
        #expect(imported == allowed, "\(room)")
      }
    }
  }

  /// A row of the walk of a value.
  private struct Step {
    let type: String
    let function: String
    let file: String
    /// The number of its caller; nil if that is a library.
    let caller: Int?

    init(_ cells: [String]) throws {
      let names = cells[1].trimmingCharacters(in: ["`"]).split(separator: ".").map(String.init)
      type = names.count == 2 ? names[0] : ""
      function = try #require(names.last)
      file = cells[2].trimmingCharacters(in: ["`"])
      caller = Int(cells[3])
    }

    var room: String { String(file.split(separator: "/").filter { $0 != "Sources" }[0]) }

    /// The texts of the type's functions of this name.
    func bodies() throws -> [Substring] {
      var text = try ProjectFiles.text(file)[...]
      if !type.isEmpty {
        let declaration = try Regex("(?m)^(?:public |package )?(?:final )?(?:class|struct) \(type)\\b")
        text = Self.block(text[try #require(text.firstRange(of: declaration), "\(type) in \(file)").lowerBound...])
      }
      let declaration = function == "init" ? "init[(?]" : type.isEmpty ? "\(function)\\(" : "func \(function)\\("
      return text.ranges(of: try Regex("(?m)^ *[a-z_@() ]*\(declaration)")).map { Self.block(text[$0.lowerBound...]) }
    }

    /// A text up to the brace that closes its first line's block.
    private static func block(_ text: Substring) -> Substring {
      let indent = text.prefix { $0 == " " }
      return text[..<(text.range(of: "\n\(indent)}")?.upperBound ?? text.endIndex)]
    }
  }

  @Test(
    "the walk of a value is what the Architecture page says: each function calls the next, and each room is entered once"
  )
  func walk() throws {
    let (text, rows) = try Self.section("The walk of a value", columns: 5)
    #expect(rows.map { $0[0] } == (1...rows.count).map(String.init))
    let steps = try rows.map(Step.init)
    let files = Set(steps.map(\.file)).count
    #expect(text.contains("passes \(steps.count) functions in \(files) files"))
    #expect(steps.count <= 14 && files <= 10)
    for (index, step) in steps.enumerated() {
      #expect(try !step.bodies().isEmpty, "\(step.function) in \(step.file)")
      guard let caller = step.caller else { continue }
      try #require(caller < index + 1)
      let call = step.function == "init" ? "\(step.type)(" : "\(step.function)("
      // An alarm calls the closure that it was given.
      let callers = try caller == 1 ? [ProjectFiles.text(steps[0].file)[...]] : steps[caller - 1].bodies()
      #expect(callers.contains { $0.contains(call) }, "\(step.function) is not called by step \(caller)")
    }
    // A call from another room, or from a library.
    let entries = steps.filter { step in step.caller.map { steps[$0 - 1].room != step.room } ?? true }.map(\.room)
    #expect(Set(entries).count == entries.count && Set(entries) == Set(steps.map(\.room)), "\(entries)")
  }
}
