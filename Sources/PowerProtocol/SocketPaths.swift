/// The paths of the service's sockets.
public enum SocketPaths {
  /// The path that new clients use.
  public static let preferred = "/run/pkg-watt-stat/pkg-watt-stat.sock"
  /// The folder of the preferred path, which the service makes.
  public static let preferredFolder = "/run/pkg-watt-stat"
  /// The path of the original service, which its clients use.
  public static let original = "/tmp/pkg-watt-stat.sock"
}
