internal import CMSRShim
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

  /// How long the service may take to let this client in, for its first line, and for an answer: it promises 1.5 s.
  public let patienceMilliseconds: Int32
  private static let chunkBytes = 16_384

  /// The path that was connected to.
  public let path: String
  let descriptor: Descriptor
  private let interrupt: Int32
  private var buffer = LineBuffer()
  private(set) var hasReceived = false
  /// From sample to sample, in seconds, as far as the service has said it on this connection.
  private(set) var stepSeconds: Double?
  private var isSubscribed = false
  /// Whether it was asked what it is only to see whether it answers.
  var isProbed = false

  /// Connects to the first path where somebody listens.
  ///
  /// - Parameters:
  ///   - paths: tried in this order.
  ///   - interrupt: a descriptor that ends every wait once it is readable, or -1.
  ///   - patienceMilliseconds: how long the service may take to let this client in, for its first line, and for an answer.
  public init(
    paths: [String] = [SocketPaths.preferred, SocketPaths.original], interrupt: Int32 = -1,
    patienceMilliseconds: Int32 = 5000
  ) throws(ClientError) {
    self.interrupt = interrupt
    self.patienceMilliseconds = patienceMilliseconds
    for path in paths {
      let socket = cmsr_unix_socket()
      guard socket.error == 0 else { throw .failed(path: path, errno: socket.error) }
      let descriptor = Descriptor(owning: socket.descriptor)
      switch unsafe cmsr_connect_within(descriptor.number, path, interrupt, patienceMilliseconds) {
      case 0:
        self.path = path
        self.descriptor = descriptor
        return
      case ECONNREFUSED where paths.count == 1 && isSomethingElse(path), EACCES where isSomethingElse(path):
        throw .notASocket(path)
      case ENOENT, ECONNREFUSED, ENOTDIR: continue
      case ENAMETOOLONG: throw .pathTooLong(path)
      case EAGAIN: throw .full(path: path, seconds: Int(patienceMilliseconds / 1000))
      case ECANCELED: throw .interrupted
      case let error: throw .cannotConnect(path: path, errno: error)
      }
    }
    throw .noService(paths: paths)
  }

  /// Waits for the next line of version 1, as long as the service is alive.
  public mutating func next() throws(ClientError) -> Received {
    while true {
      guard let bytes = try lineInTime() else { continue }
      if case .line(let line) = try decode(bytes) {
        return Received(text: String(decoding: bytes, as: UTF8.self), line: line)
      }
    }
  }

  /// The next whole line, without its newline.
  ///
  /// - Parameter milliseconds: how long each part of it may take; negative: for ever.
  mutating func line(patienceMilliseconds milliseconds: Int32) throws(ClientError) -> [UInt8] {
    while true {
      if let bytes = try bufferedLine() { return bytes }
      switch cmsr_wait_readable(descriptor.number, interrupt, milliseconds) {
      case 0: try receive()
      case ETIMEDOUT: throw .silent(path: path, seconds: Int(milliseconds / 1000))
      case ECANCELED: throw .interrupted
      case let error: throw .failed(path: path, errno: error)
      }
    }
  }

  /// A line that has arrived already.
  mutating func bufferedLine() throws(ClientError) -> [UInt8]? {
    if let bytes = buffer.next() {
      hasReceived = true
      return bytes
    }
    guard !buffer.isOverfull else { throw .notTheProtocol(path: path, why: "a line has no end") }
    return nil
  }

  /// Takes in what has arrived.
  mutating func receive() throws(ClientError) {
    var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
    let count = unsafe chunk.withUnsafeMutableBytes { unsafe recv(descriptor.number, $0.baseAddress, $0.count, 0) }
    guard count >= 0 else {
      if errno == EINTR { return }
      if errno == ECONNRESET { throw .closed(path: path) }
      throw .failed(path: path, errno: errno)
    }
    guard count > 0 else { throw hasReceived ? .closed(path: path) : .noReading(path: path) }
    buffer.append(chunk[..<count])
  }

  /// What a line says.
  mutating func decode(_ bytes: [UInt8]) throws(ClientError) -> Answer {
    let answer: Answer
    do {
      answer = try Answer(line: bytes)
    } catch {
      throw .notTheProtocol(path: path, why: error.why)
    }
    switch answer {
    case .info(let info) where !isSubscribed: stepSeconds = info.intervalSeconds
    case .subscribed(let subscription):
      isSubscribed = subscription.intervalSeconds != nil
      stepSeconds = subscription.intervalSeconds
    default: break
    }
    return answer
  }
}

/// Whether there is something at a path that is no socket: connecting to a file is refused like connecting to a dead socket.
private func isSomethingElse(_ path: String) -> Bool {
  var file = stat()
  return unsafe stat(path, &file) == 0 && file.st_mode & S_IFMT != S_IFSOCK
}
