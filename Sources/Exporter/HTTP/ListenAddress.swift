internal import NIOCore

/// Where an exporter listens: "127.0.0.1:10611", "[::1]:10611".
public struct ListenAddress: Sendable, Equatable {
  /// Outside of 9100 to 9999, which Prometheus's list of exporters has used up, and far above where that list goes on.
  /// 0x611 is the register that counts a package's energy.
  public static let defaultPort = 10_611

  /// An IPv4 or IPv6 address.
  public let host: String
  /// The port; 0 for any that is free.
  public let port: Int

  /// An address from its parts.
  public init(host: String = "127.0.0.1", port: Int = Self.defaultPort) {
    self.host = host
    self.port = port
  }

  /// Reads ADDRESS:PORT.
  ///
  /// - Returns: nil for anything else, host names included: what they mean depends on others.
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

  /// Whether only this machine reaches it.
  public var isLoopback: Bool { host.hasPrefix("127.") || host == "::1" }

  var socketAddress: SocketAddress? {
    do {
      return try SocketAddress(ipAddress: host, port: port)
    } catch {
      return nil
    }
  }

  init?(_ address: SocketAddress?) {
    guard let host = address?.ipAddress, let port = address?.port else { return nil }
    self.init(host: host, port: port)
  }
}

extension ListenAddress: CustomStringConvertible {
  /// ADDRESS:PORT.
  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
