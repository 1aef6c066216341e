internal import ArgumentParser
internal import PowerClient
internal import PowerProtocol

/// Which service a client command asks.
struct ClientOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Connect to this socket. Without it: /run/pkg-watt-stat/pkg-watt-stat.sock, then /tmp/pkg-watt-stat.sock.",
      valueName: "path"))
  var socket: String?

  func validate() throws {
    if socket == "" { throw ValidationError("--socket needs the path of a socket.") }
  }

  func connect(interrupt: Int32 = -1) throws(ClientError) -> PowerConnection {
    try PowerConnection(
      paths: socket.map { [$0] } ?? [SocketPaths.preferred, SocketPaths.original], interrupt: interrupt)
  }
}
