import Foundation
import Testing

@Suite("The rooms of the code")
struct ArchitectureTests {
  /// The table of rooms in the Architecture page: what each may import. The executable may import all.
  private static func table() throws -> [String: Set<String>] {
    let page = try ProjectFiles.text("Sources/pkg-watt-stat/pkg-watt-stat.docc/Architecture.md")
    let text = try #require(page.split(separator: "### Rooms").last?.split(separator: "### ").first)
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst()
    var table: [String: Set<String>] = [:]
    for row in rows {
      let cells = row.split(separator: "|", omittingEmptySubsequences: false).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      try #require(cells.count == 5, "a row of the table of rooms is not a row: \(row)")
      table[cells[1]] = Set(cells[3].split(separator: ", ").map(String.init))
    }
    return table
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
}
