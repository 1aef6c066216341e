internal import Glibc
internal import SystemCalls

/// A folder that holds a captured machine.
struct CaptureFolder {
  private let path: String

  init(_ path: String) {
    self.path = path
  }

  /// Writes a machine into it.
  func write(texts: [String: String], folders: Set<String>, _ capture: Capture) throws(CaptureError) {
    guard
      try written({ () throws(FileError) in
        try Folder.make(path)
        return try Folder.names(in: path)
      }).isEmpty
    else { throw .notEmpty(path) }
    try written { () throws(FileError) in
      for folder in folders { try Folder.make("\(path)/\(folder)") }
      for (name, text) in texts { try create(name, text) }
      for (name, text) in capture.files { try create("\(Capture.folder)/\(name)", text) }
    }
  }

  private func written<Value>(_ body: () throws(FileError) -> Value) throws(CaptureError) -> Value {
    do {
      return try body()
    } catch {
      throw .notWritten(path: error.path, errno: error.errno)
    }
  }

  private func create(_ name: String, _ text: String) throws(FileError) {
    let file = "\(path)/\(name)"
    if let slash = file.lastIndex(of: "/") { try Folder.make(String(file[..<slash])) }
    try TextFile.create(file, text)
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
