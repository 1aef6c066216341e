/// Where the service is found.
public enum SocketPaths {
  /// The path that new clients use.
  public static let preferred = "/run/pkg-watt-stat/pkg-watt-stat.sock"
  /// The path that the original service had, and its clients know.
  public static let original = "/tmp/pkg-watt-stat.sock"
}
