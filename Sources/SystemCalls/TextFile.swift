internal import Glibc

/// A file or folder that could not be read or written.
public struct FileError: Error, Equatable {
  /// Which.
  public let path: String
  /// Why: an errno value.
  public let errno: Int32

  /// Why, to stand within a sentence.
  public var reason: String { fileErrorText(errno) }

  /// A failure with a path.
  public init(path: String, errno: Int32) {
    self.path = path
    self.errno = errno
  }
}

/// Small text files, as those of /proc and /sys are.
public enum TextFile {
  /// Reads a file whole.
  ///
  /// - Parameters:
  ///   - root: a folder that stands for /, with which the path begins, and out of which no link is followed; empty for / itself.
  ///   - most: how many bytes it may have: 4 MiB unless said otherwise.
  /// - Throws: EFBIG for more, EILSEQ for what is not UTF-8, EISDIR for a folder, ENOTSUP for anything else that is
  ///   not a regular file, else what the system says.
  public static func read(_ path: String, root: String = "", most: Int = 4 << 20) throws(FileError) -> String {
    let descriptor = try RegularFile.open(path, root: root)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor.number, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw FileError(path: path, errno: errno) }
      guard count > 0 else { break }
      bytes += chunk[..<count]
      guard bytes.count <= most else { throw FileError(path: path, errno: EFBIG) }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw FileError(path: path, errno: EILSEQ) }
    return text
  }

  /// Writes a file so that its readers see the old text or the new one, never a part of one; see `NewFile`.
  ///
  /// - Throws: EEXIST if the path is something else than a file, which is left alone; else what the system says.
  public static func replace(_ path: String, _ text: String) throws(FileError) {
    try NewFile(replacing: path).publish(text)
  }

  /// Writes all of a text to an open file.
  static func write(_ text: String, to file: borrowing Descriptor) throws(Errno) {
    let error = writeAll(text.utf8, to: file.number)
    if error != 0 { throw Errno(number: error) }
  }
}
