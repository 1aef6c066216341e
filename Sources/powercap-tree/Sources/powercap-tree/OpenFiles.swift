internal import Powercap

/// A read that has no answer yet: libfuse's handle, which is valid until the answer.
struct PendingRead {
  /// The handle's address.
  let request: UInt
  let file: UInt64
  let size: Int
  let offset: Int
  /// When it was asked, by CLOCK_MONOTONIC in seconds.
  let asked: Double
  /// The moment whose energy it gets.
  var moment: Double
  /// When the reader is told that there is no value, by CLOCK_MONOTONIC in seconds.
  let deadline: Double
}

/// The files that are open, and what each of them shows.
///
/// As in the kernel (kernfs): a read at offset 0 takes a new value for this open file, and reads further on continue its text,
/// so that a number that is read byte by byte is one number.
struct OpenFiles {
  private struct File {
    let content: ZoneTree.Content
    var text: [UInt8]?
  }

  private var files: [UInt64: File] = [:]
  private var latest: UInt64 = 0

  mutating func open(_ content: ZoneTree.Content) -> UInt64 {
    latest += 1
    files[latest] = File(content: content)
    return latest
  }

  mutating func close(_ file: UInt64) { files[file] = nil }

  /// The zone of which a read at an offset needs a new value.
  func zone(_ file: UInt64, at offset: Int) -> EnergyZone? {
    guard let file = files[file], case .energy(let zone) = file.content, offset == 0 || file.text == nil else {
      return nil
    }
    return zone
  }

  /// Gives a file a new value.
  mutating func set(_ file: UInt64, microjoules: UInt64) { files[file]?.text = Array("\(microjoules)\n".utf8) }

  /// The bytes of a file's present text.
  func bytes(_ file: UInt64, at offset: Int, size: Int) -> [UInt8] {
    guard let file = files[file], offset >= 0 else { return [] }
    let text = if case .text(let text) = file.content { Array(text.utf8) } else { file.text ?? [] }
    return Array(text.dropFirst(offset).prefix(size))
  }
}
