internal import Glibc
internal import SystemCalls

/// Where samples go: stdout, or what a path names. A file always holds the latest text alone; anything else gets one behind the
/// other.
struct SamplePlace: ~Copyable {
  private let path: String
  private let place: OutputPlace?

  /// Makes sure that the path can be written to; what is there stays as it is until then.
  ///
  /// - Parameter path: nil for stdout.
  init(_ path: String?) throws(OutputError) {
    self.path = path ?? ""
    guard let path else {
      place = nil
      return
    }
    do {
      place = try OutputPlace(path)
    } catch {
      throw OutputError(path: path, errno: error.errno)
    }
  }

  /// Whether each text stands alone.
  var isFile: Bool {
    switch place {
    case .some(let place): place.isFile
    case nil: false
    }
  }

  /// Writes a text.
  func write(_ text: String) throws {
    switch place {
    case .some(let place):
      do {
        try place.write(text)
      } catch {
        throw OutputError(path: path, errno: error.errno)
      }
    case nil: try StandardOutput.write(text)
    }
  }
}
