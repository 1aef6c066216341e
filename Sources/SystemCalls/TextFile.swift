internal import Glibc

/// A file or folder that could not be read.
public struct FileError: Error, Equatable {
  /// Which.
  public let path: String
  /// Why: an errno value.
  public let errno: Int32

  /// A failure to read a path.
  public init(path: String, errno: Int32) {
    self.path = path
    self.errno = errno
  }
}

/// Small text files, as those of /proc and /sys are.
public enum TextFile {
  /// Reads a file whole.
  ///
  /// - Throws: EFBIG for more than 4 MiB, EILSEQ for what is not UTF-8, else what the system says.
  public static func read(_ path: String) throws(FileError) -> String {
    // Non-blocking: a FIFO in a folder that somebody else filled must not hang the service.
    let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0 else { throw FileError(path: path, errno: errno) }
    let descriptor = Descriptor(owning: number)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor.number, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw FileError(path: path, errno: errno) }
      guard count > 0 else { break }
      bytes += chunk[..<count]
      guard bytes.count <= 4 << 20 else { throw FileError(path: path, errno: EFBIG) }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw FileError(path: path, errno: EILSEQ) }
    return text
  }

  /// Writes a file so that whoever reads it sees the old text or the new one, never a part: beside it, under its name with
  /// ".PID.tmp" added, and then renamed.
  ///
  /// - Throws: EEXIST where the path is something else than a file, which is left alone; else what the system says.
  public static func replace(_ path: String, _ text: String) throws(FileError) {
    var status = stat()
    if unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      throw FileError(path: path, errno: EEXIST)
    }
    let temporary = "\(path).\(getpid()).tmp"
    // One that another process of this number has left behind.
    unsafe unlink(temporary)
    do {
      try create(temporary, text)
    } catch {
      unsafe unlink(temporary)
      throw FileError(path: path, errno: error.errno)
    }
    guard unsafe rename(temporary, path) == 0 else {
      let reason = errno
      unsafe unlink(temporary)
      throw FileError(path: path, errno: reason)
    }
  }

  /// Writes a new file; the folder must be there.
  ///
  /// - Throws: EEXIST where there is one already, else what the system says.
  public static func create(_ path: String, _ text: String) throws(FileError) {
    let number = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard number >= 0 else { throw FileError(path: path, errno: errno) }
    let descriptor = Descriptor(owning: number)
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor.number, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw FileError(path: path, errno: errno) }
      rest = rest.dropFirst(count)
    }
  }
}
