internal import Glibc
internal import SystemPackage

/// Small text files, such as those of /proc and /sys.
public enum TextFile {
  /// Reads a file whole.
  ///
  /// - Parameters:
  ///   - root: a folder that stands for /, with which the path begins, and out of which no link leads; empty for / itself.
  ///   - most: the largest size in bytes; 4 MiB by default.
  ///   - repaired: whether bytes that are not UTF-8 become U+FFFD, as in a list of paths; they are an error otherwise.
  /// - Throws: EFBIG for a larger file, EILSEQ if it is not UTF-8, EISDIR for a folder, ENOTSUP for anything else that is not a
  ///   regular file, else the system's error.
  public static func read(
    _ path: String, root: String = "", most: Int = 4 << 20, repaired: Bool = false
  ) throws(FileError) -> String {
    let descriptor = try RegularFile.open(path, root: root)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count: Int
      do {
        count = try unsafe chunk.withUnsafeMutableBytes { try unsafe descriptor.file.read(into: $0) }
      } catch {
        throw FileError(path: path, error)
      }
      guard count > 0 else { break }
      bytes += chunk[..<count]
      guard bytes.count <= most else { throw FileError(path: path, errno: EFBIG) }
    }
    if repaired { return String(decoding: bytes, as: UTF8.self) }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw FileError(path: path, errno: EILSEQ) }
    return text
  }

  /// Writes a file so that its readers see the old text or the new one, never a part of one; see `NewFile`.
  ///
  /// - Throws: EEXIST if the path is not a regular file, which is then left alone; else the system's error.
  public static func replace(_ path: String, _ text: String) throws(FileError) {
    try NewFile(replacing: path).publish(text)
  }

  /// Writes all of a text to an open file.
  static func write(_ text: String, to file: borrowing Descriptor) throws(Errno) {
    let error = writeAll(text.utf8, to: file.number)
    if error != 0 { throw Errno(rawValue: error) }
  }
}
