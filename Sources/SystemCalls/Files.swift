/// Where text files and folders are read from: the system, or something that stands between.
public protocol Files: Sendable {
  /// Reads a small text file whole.
  func text(_ path: String) throws(FileError) -> String
  /// The names in a folder, in no order.
  func names(in folder: String) throws(FileError) -> [String]
  /// Whether a file is there, whatever it is.
  func has(_ path: String) -> Bool
}

/// The system's own files.
public struct SystemFiles: Files {
  /// The only one there is.
  public init() {}

  /// Reads a small text file whole, as `TextFile` does.
  public func text(_ path: String) throws(FileError) -> String { try TextFile.read(path) }

  /// The names in a folder, as `Folder` gives them.
  public func names(in folder: String) throws(FileError) -> [String] { try Folder.names(in: folder) }

  /// Whether a file is there, whatever it is.
  public func has(_ path: String) -> Bool { (try? FilePermissions(of: path)) != nil }
}
