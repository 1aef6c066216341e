/// A group whose members may know more than everybody.
public struct TrustedGroup: Sendable, Equatable {
  /// Its name.
  public var name: String
  /// Its id.
  public var id: UInt32

  /// A group.
  public init(name: String, id: UInt32) {
    self.name = name
    self.id = id
  }
}
