internal import Glibc
internal import NIOCore
internal import SystemCalls

/// The address of an exporter: "127.0.0.1:10611", "[::1]:10611".
public struct ListenAddress: Sendable, Equatable {
  /// Outside of 9100 to 9999, which Prometheus's list of exporters has used up, and far above where that list continues.
  /// 0x611 is the register that counts a package's energy.
  public static let defaultPort = 10_611

  /// An IPv4 or IPv6 address.
  public let host: String
  /// The port; 0 for any free port.
  public let port: Int

  /// An address from its parts.
  public init(host: String = "127.0.0.1", port: Int = Self.defaultPort) {
    self.host = host
    self.port = port
  }

  /// Reads ADDRESS:PORT.
  ///
  /// - Returns: nil for anything else, including host names: their meaning depends on other machines.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
    var host = text[..<colon]
    if host.first == "[", host.last == "]" {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    self.init(host: String(host), port: Int(port))
    guard socketAddress != nil, description == text else { return nil }
  }

  /// Whether only this machine can connect to it.
  public var isLoopback: Bool { host.hasPrefix("127.") || host == "::1" }

  var socketAddress: SocketAddress? { try? SocketAddress(ipAddress: host, port: port) }

  init?(_ address: SocketAddress?) {
    guard let host = address?.ipAddress, let port = address?.port else { return nil }
    self.init(host: host, port: port)
  }
}

extension ListenAddress: CustomStringConvertible {
  /// ADDRESS:PORT.
  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Why an exporter cannot listen at an address.
public struct ListenError: Error, Equatable, CustomStringConvertible {
  let address: ListenAddress
  /// An errno value.
  let errno: Int32

  /// What failed, on what, why, and what to do.
  public var description: String {
    switch errno {
    case EADDRINUSE: "Another program already listens at \(address); choose another port with --listen."
    case EADDRNOTAVAIL:
      "This machine does not have the address \(address.host); choose one of this machine's addresses with --listen."
    case EACCES: "This user may not listen at port \(address.port); choose a port from 1024 up with --listen."
    default: "Cannot listen at \(address): \(errorText(errno)). Choose another address with --listen."
    }
  }
}
