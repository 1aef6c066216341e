internal import ArgumentParser
internal import PowerClient
internal import PowerProtocol

/// The service that a client command connects to.
struct ClientOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Connect to this socket. Default: /run/pkg-watt-stat/pkg-watt-stat.sock, then /tmp/pkg-watt-stat.sock.",
      valueName: "path"))
  var socket: String?

  func validate() throws {
    if socket == "" { throw ValidationError("--socket needs the path of a socket.") }
  }

  /// A new address, which warns once of a server that is not trusted.
  var address: ServiceAddress { ServiceAddress(socket) }

  /// Refuses an interval that no subscription has.
  static func check(interval: Double?) throws {
    if let interval, !(interval > 0 && interval <= Request.longestIntervalSeconds) {
      throw ValidationError("--interval must be more than 0 and at most 86400 seconds.")
    }
  }
}
