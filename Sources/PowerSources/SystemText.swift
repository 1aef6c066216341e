internal import Glibc

/// The system's own words for an errno value.
func errorText(_ errno: Int32) -> String {
  guard let text = unsafe strerror(errno) else { return "error \(errno)" }
  return unsafe String(cString: text)
}

/// A text file that could not be read.
struct TextFileError: Error {
  let path: String
  let errno: Int32
}

/// Reads a small text file whole, as those of /proc and /sys are.
///
/// - Throws: EFBIG for more than 4 MiB, EILSEQ for what is not UTF-8.
func readText(_ path: String) throws(TextFileError) -> String {
  // Non-blocking: a FIFO in a captured tree must not hang the service.
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else { throw TextFileError(path: path, errno: errno) }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
    if count < 0 && errno == EINTR { continue }
    guard count >= 0 else { throw TextFileError(path: path, errno: errno) }
    guard count > 0 else { break }
    bytes += chunk[..<count]
    guard bytes.count <= 4 << 20 else { throw TextFileError(path: path, errno: EFBIG) }
  }
  guard let text = String(validating: bytes, as: UTF8.self) else { throw TextFileError(path: path, errno: EILSEQ) }
  return text
}
