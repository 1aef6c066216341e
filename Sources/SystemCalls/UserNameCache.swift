/// Names of users, each asked of the system's database once.
public struct UserNameCache: Sendable {
  private var names: [UInt32: String] = [:]

  /// An empty cache.
  public init() {}

  /// The name of a user's number; the number itself if it has none.
  public mutating func name(of number: UInt32) -> String {
    if let name = names[number] { return name }
    let name = UserNames.name(of: number) ?? "\(number)"
    names[number] = name
    return name
  }
}
