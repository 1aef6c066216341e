import Foundation

/// What `top --json` prints for a window, as far as tests look at it.
struct TopOutput: Decodable {
  struct Row: Decodable {
    var name: String?
    var pid: Int?
    var unit: String?
    var watts: Double
    var joules: Double
    var cpu_seconds: Double?
    var watts_at_least: Double?
    var watts_at_most: Double?
  }

  var watts: Double
  var joules: Double
  var window_seconds: Double
  var status: String
  var rows: [Row]
  var idle: Row
  var not_attributed: Row
  var hidden: Row?
  var ended: Row?
  var other_rows: Row?

  /// The objects in a program's output, which may have other lines.
  static func all(in output: String) throws -> [TopOutput] {
    try output.split(separator: "\n").filter { $0.hasPrefix("{") }.map {
      try JSONDecoder().decode(TopOutput.self, from: Data($0.utf8))
    }
  }

  /// Whether the rows add up to the totals, in steps of 10 mW and 10 mJ.
  var addsUp: Bool {
    let all = rows + [idle, not_attributed] + [hidden, ended, other_rows].compactMap { $0 }
    func isSame(_ total: Double, _ parts: [Double]) -> Bool {
      Int((total * 100).rounded()) == parts.reduce(0) { $0 + Int(($1 * 100).rounded()) }
    }
    return isSame(watts, all.map(\.watts)) && isSame(joules, all.map(\.joules))
  }
}
