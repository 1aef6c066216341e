internal import Glibc
internal import SystemCalls

/// Files whose contents are the input's: it is cut at zero bytes, and each path, in the order in which it is first asked for,
/// gets the next part. Beyond the last there is nothing.
final class InventedFiles: MachineFiles, @unchecked Sendable {
  private var parts: [String]
  private var given: [String: String] = [:]

  init(_ data: UnsafeBufferPointer<UInt8>) {
    parts = data.split(separator: 0, omittingEmptySubsequences: false).reversed().map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  func text(_ path: String) throws(FileError) -> String {
    if let text = given[path] { return text }
    guard let text = parts.popLast() else { throw FileError(path: path, errno: ENOENT) }
    given[path] = text
    return text
  }

  /// A part's lines, without what no name can have.
  func names(in folder: String) throws(FileError) -> [String] {
    try text(folder).split(separator: "\n").map { $0.filter { $0 != "/" } }
  }

  func has(_ path: String) -> Bool { (try? text(path)) != nil }
}
