internal import Glibc
internal import SystemCalls

/// A folder that holds a captured machine.
struct CaptureFolder {
  private let path: String

  init(_ path: String) {
    self.path = path
  }

  /// Writes a machine into it. Nothing in it is followed or written over, whoever owns it.
  func write(texts: [String: String], folders: Set<String>, _ capture: Capture) throws(CaptureError) {
    let isEmpty: Bool
    do {
      isEmpty = try fill(texts, folders, capture)
    } catch {
      throw .notWritten(path: error.path, errno: error.errno)
    }
    guard isEmpty else { throw .notEmpty(path) }
  }

  /// - Returns: false for a folder that holds something, which is left as it is.
  private func fill(_ texts: [String: String], _ folders: Set<String>, _ capture: Capture) throws(FileError) -> Bool {
    let folder = try OpenFolder(path, making: true)
    guard try folder.names().isEmpty else { return false }
    for name in folders { try folder.make(name) }
    for (name, text) in texts { try folder.create(name, text) }
    for (name, text) in capture.files { try folder.create("\(Capture.folder)/\(name)", text) }
    return true
  }
}

extension Capture {
  /// The capture in a folder that stands for a machine; nil where that folder was not captured.
  init?(in root: String) throws(CaptureError) {
    self.init()
    for (name, _) in files {
      let path = "\(root)/\(Self.folder)/\(name)"
      let text: String
      do {
        text = try TextFile.read(path)
      } catch {
        if error.errno == ENOENT && name == files.first?.name { return nil }
        throw .notRead(path: path, errno: error.errno)
      }
      for line in text.split(separator: "\n") where !take(line, of: name) {
        throw .malformed(path: path, line: String(line.prefix(80)))
      }
    }
  }
}
