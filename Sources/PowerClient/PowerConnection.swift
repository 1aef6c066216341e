internal import CMSRShim
internal import Glibc
public import PowerProtocol
internal import SystemCalls

/// A connection to the service, read line by line. It blocks, for command-line tools.
public struct PowerConnection: ~Copyable {
  /// A line as it arrived, and its meaning.
  public struct Received: Sendable {
    /// The line without its newline.
    public let text: String
    /// Its meaning.
    public let line: PowerLine
  }

  /// How long the service may take to accept this client, for its first line, and for an answer. It promises 1.5 s.
  public let patienceMilliseconds: Int32
  private static let chunkBytes = 16_384

  /// The path that was connected to.
  public let path: String
  let descriptor: Descriptor
  let interrupt: Int32
  private var buffer = LineBuffer()
  /// The error if the service closes the connection now.
  private(set) var ending: ClientError
  /// Whether a line of version 1 has come.
  private(set) var hasLine = false
  /// The time between samples in seconds, if the service has told it on this connection.
  private(set) var stepSeconds: Double?
  private var isSubscribed = false
  /// The end of every wait, by CLOCK_MONOTONIC in nanoseconds: a limit for several requests together.
  public var endNanoseconds = Int64.max

  /// Connects to the first path at which something listens.
  ///
  /// - Parameters:
  ///   - paths: tried in this order.
  ///   - interrupt: a descriptor that ends every wait once it is readable, or -1.
  ///   - patienceMilliseconds: how long the service may take to accept this client, for its first line, and for an answer.
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
        ending = .noReading(path: path)
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

  /// Waits for the next whole line, and gives it without its newline.
  ///
  /// - Parameters:
  ///   - other: a descriptor that also ends the wait, or -1.
  ///   - output: a descriptor that also ends the wait, once its reader is gone; or -1.
  ///   - deadline: by CLOCK_MONOTONIC, in nanoseconds. Bytes that have arrived already are read even after it.
  mutating func line(or other: Int32, output: Int32 = -1, until deadline: Int64) throws(ClientError) -> WaitEvent<
    [UInt8]
  > {
    var hasLooked = false
    while true {
      if let bytes = try bufferedLine() { return .arrived(bytes) }
      let left = max(min(deadline, endNanoseconds) - cmsr_monotonic_nanoseconds(), 0)
      if hasLooked && left == 0 { return .timeout }
      hasLooked = true
      // In milliseconds for poll(2), rounded up, at most a day.
      let milliseconds = Int32((min(left, 86_400_000_000_000) + 999_999) / 1_000_000)
      switch cmsr_wait_readable(descriptor.number, other, output, milliseconds) {
      case 0: try receive()
      case ETIMEDOUT: continue
      case ECANCELED, EPIPE: return .other
      case let error: throw .failed(path: path, errno: error)
      }
    }
  }

  /// The end of a wait of this many milliseconds from now, by CLOCK_MONOTONIC in nanoseconds.
  static func deadline(milliseconds: Int32) -> Int64 { cmsr_monotonic_nanoseconds() + Int64(milliseconds) * 1_000_000 }

  /// A line that has arrived already.
  private mutating func bufferedLine() throws(ClientError) -> [UInt8]? {
    if let bytes = buffer.next() {
      ending = .closed(path: path)
      return bytes
    }
    guard !buffer.isOverfull else { throw .notTheProtocol(path: path, why: "a line is longer than 1 MiB") }
    return nil
  }

  /// Reads the bytes that have arrived.
  private mutating func receive() throws(ClientError) {
    var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
    let count = unsafe chunk.withUnsafeMutableBytes { unsafe recv(descriptor.number, $0.baseAddress, $0.count, 0) }
    guard count >= 0 else {
      if errno == EINTR { return }
      if errno == ECONNRESET { throw ending }
      throw .failed(path: path, errno: errno)
    }
    guard count > 0 else { throw ending }
    buffer.append(chunk[..<count])
  }

  /// Decodes a line.
  mutating func decode(_ bytes: [UInt8]) throws(ClientError) -> Answer {
    let answer: Answer
    do {
      answer = try Answer(line: bytes)
    } catch {
      throw .notTheProtocol(path: path, why: error.why)
    }
    switch answer {
    case .line: hasLine = true
    case .info(let info) where !isSubscribed: stepSeconds = info.intervalSeconds
    case .subscribed(let subscription):
      isSubscribed = subscription.intervalSeconds != nil
      stepSeconds = subscription.intervalSeconds
    default: break
    }
    return answer
  }
}

/// Whether a path is something other than a socket: connecting to a file fails with the same error as to a dead socket.
private func isSomethingElse(_ path: String) -> Bool {
  var file = stat()
  return unsafe stat(path, &file) == 0 && file.st_mode & S_IFMT != S_IFSOCK
}
