internal import Formatting
internal import Glibc

/// The system's user database.
public enum UserNames {
  private static let bytes = 16_384

  /// A user's number; nil if there is no such user, or the database cannot be read.
  public static func number(of name: String) -> UInt32? {
    var entry = unsafe passwd()
    var buffer = [CChar](repeating: 0, count: bytes)
    var found: UnsafeMutablePointer<passwd>?
    return unsafe getpwnam_r(name, &entry, &buffer, bytes, &found) == 0 && found != nil ? unsafe entry.pw_uid : nil
  }

  /// A user's name, in printable ASCII; nil if no user has that number, or the database cannot be read.
  public static func name(of number: UInt32) -> String? {
    var entry = unsafe passwd()
    var buffer = [CChar](repeating: 0, count: bytes)
    var found: UnsafeMutablePointer<passwd>?
    guard unsafe getpwuid_r(number, &entry, &buffer, bytes, &found) == 0, unsafe found != nil,
      let name = unsafe entry.pw_name
    else { return nil }
    return unsafe String(cString: name).printable
  }

  /// "user eve (1001)", or "user 1001" if no user has that number.
  public static func words(_ number: UInt32) -> String {
    name(of: number).map { "user \($0) (\(number))" } ?? "user \(number)"
  }
}
