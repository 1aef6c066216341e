internal import Glibc
package import SystemCalls

// The folder of a captured machine.
extension Capture {
  /// Makes sure that a folder, which does not have to exist yet, can be written to, before the work begins.
  package static func claim(_ folder: String) throws(CaptureError) { _ = try opened(folder) }

  /// Writes a machine to the folder at a path. A trace is readable only by its owner. No link in the folder is followed and no file overwritten, no matter who owns them.
  package func write(texts: [String: String], to path: String) throws(CaptureError) {
    let folder = try Self.opened(path)
    let mode: UInt32 = trace == nil ? 0o644 : 0o600
    do {
      for name in folders.keys { try folder.make(name) }
      for (name, text) in texts { try folder.create(name, text, mode: mode) }
      for (name, text) in files { try folder.create("\(Self.folder)/\(name)", text, mode: mode) }
      if let trace { try folder.create("\(Self.folder)/\(Trace.file)", trace.text, mode: mode) }
    } catch {
      throw .notWritten(path: error.path, errno: error.errno)
    }
  }

  /// The folder, which is made if it does not exist, and left as it is if it is not empty.
  private static func opened(_ path: String) throws(CaptureError) -> OpenFolder {
    do {
      let folder = try OpenFolder(path, making: true)
      if try folder.names().isEmpty { return folder }
    } catch {
      throw .notWritten(path: error.path, errno: error.errno)
    }
    throw .notEmpty(path)
  }

  private static let newerFiles = ["zones", "folders"]

  /// The capture in a folder that stands for a machine; nil if the folder is not a capture.
  package init?(in root: String) throws(CaptureError) {
    self.init()
    for (name, _) in files {
      let path = "\(root)/\(Self.folder)/\(name)"
      let text: String
      do {
        text = try TextFile.read(path, root: root)
      } catch {
        // ENOTDIR: an error of the root is reported once its files are read.
        if [ENOENT, ENOTDIR].contains(error.errno) && name == files.first?.name { return nil }
        // Captures of version 0.3.0 and older do not have this file.
        if error.errno == ENOENT && Self.newerFiles.contains(name) { continue }
        throw .notRead(path: path, errno: error.errno)
      }
      for line in text.split(separator: "\n") where !take(line, of: name) {
        throw .malformed(path: path, line: String(line.prefix(80)))
      }
    }
    trace = try Self.trace(in: root)
  }

  private static func trace(in root: String) throws(CaptureError) -> Trace? {
    let path = "\(root)/\(folder)/\(Trace.file)"
    let text: String
    do {
      text = try TextFile.read(path, root: root, most: Trace.mostBytes)
    } catch {
      if error.errno == ENOENT { return nil }
      throw .notRead(path: path, errno: error.errno)
    }
    do {
      return try Trace(text)
    } catch {
      throw .trace(path: path, error)
    }
  }
}

/// The text files and folders of a captured machine. What could not be read there cannot be read here, for the same reason.
package struct CapturedFiles: MachineFiles {
  private let root: String
  private let capture: Capture

  /// The files of a capture in a folder.
  package init(root: String, _ capture: Capture) {
    self.root = root
    self.capture = capture
  }

  /// Reads a text file. The path begins with the root.
  package func text(_ path: String) throws(FileError) -> String {
    do {
      return try TextFile.read(path, root: root)
    } catch {
      throw FileError(path: path, errno: capture.errors[relative(path)] ?? error.errno)
    }
  }

  /// The names in a folder: those that it had, even of files that were never read. The path begins with the root.
  package func names(in folder: String) throws(FileError) -> [String] {
    if let names = capture.folders[relative(folder)] { return names }
    do {
      return try Folder.names(in: folder, root: root)
    } catch {
      // If it had been missing on the machine, the capture would say so.
      throw FileError(
        path: folder, errno: capture.errors[relative(folder)] ?? (error.errno == ENOENT ? ENODATA : error.errno))
    }
  }

  /// Whether a file existed.
  package func has(_ path: String) -> Bool { capture.permissions[relative(path)] != nil }

  private func relative(_ path: String) -> String { relativePath(path, to: root) }
}
