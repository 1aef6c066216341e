import Foundation
import Testing

/// The project's own files, as they are checked out.
enum ProjectFiles {
  static let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func text(_ path: String) throws -> String {
    try String(contentsOf: top.appending(path: path), encoding: .utf8)
  }

  /// The Swift sources below a folder.
  static func sources(below path: String) throws -> [URL] {
    let files = try #require(
      FileManager.default.enumerator(at: top.appending(path: path), includingPropertiesForKeys: nil))
    return files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
  }
}
