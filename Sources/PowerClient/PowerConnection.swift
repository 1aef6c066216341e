internal import CMSRShim
internal import FoundationEssentials
internal import Glibc
public import PowerProtocol
internal import SystemCalls

/// A connection to the service, read line by line. Blocking: for command-line tools.
public struct PowerConnection: ~Copyable {
  /// A line as it arrived, and what it says.
  public struct Received: Sendable {
    /// The line without its newline.
    public let text: String
    /// What it says.
    public let line: PowerLine
  }

  /// How long the service may take for its first line: it promises 1.5 s.
  private static let patienceSeconds = 5

  /// The path that was connected to.
  public let path: String
  private let descriptor: Descriptor
  private let interrupt: Int32
  private var buffer = LineBuffer()
  private var hasReceived = false

  /// Connects to the first path where somebody listens.
  ///
  /// - Parameters:
  ///   - paths: tried in this order.
  ///   - interrupt: a descriptor that ends every wait once it is readable, or -1.
  public init(
    paths: [String] = [SocketPaths.preferred, SocketPaths.original], interrupt: Int32 = -1
  ) throws(ClientError) {
    self.interrupt = interrupt
    for path in paths {
      let socket = cmsr_unix_socket()
      guard socket.error == 0 else { throw .failed(path: path, errno: socket.error) }
      let descriptor = Descriptor(owning: socket.descriptor)
      switch unsafe cmsr_connect(descriptor.number, path) {
      case 0:
        self.path = path
        self.descriptor = descriptor
        return
      case ENOENT, ECONNREFUSED, ENOTDIR: continue
      case ENAMETOOLONG: throw .pathTooLong(path)
      case let error: throw .cannotConnect(path: path, errno: error)
      }
    }
    throw .noService(paths: paths)
  }

  /// Waits for the next line.
  public mutating func next() throws(ClientError) -> Received {
    while true {
      if let bytes = buffer.next() {
        hasReceived = true
        return try decode(bytes)
      }
      guard !buffer.isOverfull else { throw .notTheProtocol(path: path, why: "a line has no end") }
      try wait()
      try receive()
    }
  }

  private func wait() throws(ClientError) {
    let milliseconds = hasReceived ? -1 : Int32(Self.patienceSeconds * 1000)
    switch cmsr_wait_readable(descriptor.number, interrupt, milliseconds) {
    case 0: return
    case ETIMEDOUT: throw .silent(path: path, seconds: Self.patienceSeconds)
    case ECANCELED: throw .interrupted
    case let error: throw .failed(path: path, errno: error)
    }
  }

  private mutating func receive() throws(ClientError) {
    var chunk = [UInt8](repeating: 0, count: LineBuffer.mostBytes)
    let count = unsafe chunk.withUnsafeMutableBytes { unsafe recv(descriptor.number, $0.baseAddress, $0.count, 0) }
    guard count >= 0 else {
      if errno == EINTR { return }
      if errno == ECONNRESET { throw .closed(path: path) }
      throw .failed(path: path, errno: errno)
    }
    guard count > 0 else { throw hasReceived ? .closed(path: path) : .noReading(path: path) }
    buffer.append(chunk[..<count])
  }

  private func decode(_ bytes: [UInt8]) throws(ClientError) -> Received {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .notTheProtocol(path: path, why: "a line is not UTF-8")
    }
    do {
      return Received(text: text, line: try JSONDecoder().decode(PowerLine.self, from: Data(bytes)))
    } catch {
      throw .notTheProtocol(path: path, why: "a line is no reading (\(text.prefix(80)))")
    }
  }
}
