/// A path to serve at as soon as it is free.
public struct WantedSocket: Sendable, Equatable {
  /// The path.
  public var path: String
  /// Permissions of the socket's file, as in chmod(1).
  public var mode: UInt32

  /// A path, and the permissions that its file is to have.
  public init(path: String, mode: UInt32) {
    self.path = path
    self.mode = mode
  }
}
