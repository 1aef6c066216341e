/// A path taken apart at its last slash, by bytes: to Swift, a slash and an accent behind it are one character, which is no
/// slash.
public struct PathParts: Equatable {
  /// The folder; "." for a path without a slash, "/" in the root.
  public let folder: String
  /// The name in that folder; empty behind a slash at the end.
  public let name: String

  /// The parts of a path.
  public init(_ path: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else {
      folder = "."
      name = path
      return
    }
    let folder = String(decoding: path.utf8[..<slash], as: UTF8.self)
    self.folder = folder.isEmpty ? "/" : folder
    name = String(decoding: path.utf8[path.utf8.index(after: slash)...], as: UTF8.self)
  }
}
