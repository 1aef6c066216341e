/// The place from which text files and folders are read: the system, or a layer in between.
public protocol MachineFiles: Sendable {
  /// Reads a small text file whole.
  func text(_ path: String) throws(FileError) -> String
  /// The names in a folder, in no order.
  func names(in folder: String) throws(FileError) -> [String]
  /// Whether something exists at a path.
  func has(_ path: String) -> Bool
}

/// The system's own files, or those below a folder that stands for /.
public struct SystemFiles: MachineFiles {
  private let root: String

  /// The files whose paths begin with a root, out of which no link leads; empty for / itself.
  public init(root: String = "") { self.root = root }

  /// Reads a small text file whole, as `TextFile` does.
  public func text(_ path: String) throws(FileError) -> String { try TextFile.read(path, root: root) }

  /// The names in a folder, as `Folder` gives them.
  public func names(in folder: String) throws(FileError) -> [String] {
    try Folder.names(in: folder, root: root)
  }

  /// Whether something exists at a path.
  public func has(_ path: String) -> Bool { (try? FilePermissions(of: path, root: root)) != nil }
}
