package import SystemCalls

/// The text files and folders of a captured machine. What could not be read there cannot be read here, for the same reason.
package struct CapturedFiles: Files {
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
      throw FileError(path: folder, errno: capture.errors[relative(folder)] ?? error.errno)
    }
  }

  /// Whether a file existed.
  package func has(_ path: String) -> Bool { capture.permissions[relative(path)] != nil }

  private func relative(_ path: String) -> String { relativePath(path, to: root) }
}
