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
  let interrupt: Int32
  private var buffer = LineBuffer()
  /// What a service that closes the connection means by it.
  private(set) var ending: ClientError
  /// Whether a line of version 1 has come.
  private(set) var hasLine = false
  /// From sample to sample, in seconds, as far as the service has said it on this connection.
  private(set) var stepSeconds: Double?
  private var isSubscribed = false
  /// No wait goes on after this, by CLOCK_MONOTONIC in nanoseconds: what several questions may take together.
  public var endNanoseconds = Int64.max

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

  /// What ended a wait for a line.
  enum LineEvent {
    /// A whole line, without its newline.
    case line([UInt8])
    /// The other descriptor is readable, or nobody reads the output any more.
    case other
    /// No whole line came in time, whatever came of one.
    case timeout
  }

  /// Waits for the next whole line.
  ///
  /// - Parameters:
  ///   - other: a descriptor that ends the wait too, or -1.
  ///   - output: a descriptor that ends the wait too once nobody reads what is written to it, or -1.
  ///   - deadline: by CLOCK_MONOTONIC, in nanoseconds. What has arrived by now is taken in even if that is over.
  mutating func line(or other: Int32, output: Int32 = -1, until deadline: Int64) throws(ClientError) -> LineEvent {
    var hasLooked = false
    while true {
      if let bytes = try bufferedLine() { return .line(bytes) }
      let left = max(min(deadline, endNanoseconds) - cmsr_monotonic_nanoseconds(), 0)
      if hasLooked && left == 0 { return .timeout }
      hasLooked = true
      // Rounded up, and a day at most: what poll(2) takes.
      let milliseconds = Int32((min(left, 86_400_000_000_000) + 999_999) / 1_000_000)
      switch cmsr_wait_readable_for_reader(descriptor.number, other, output, milliseconds) {
      case 0: try receive()
      case ETIMEDOUT: continue
      case ECANCELED, EPIPE: return .other
      case let error: throw .failed(path: path, errno: error)
      }
    }
  }

  /// When a wait that begins now has taken so many milliseconds, by CLOCK_MONOTONIC in nanoseconds; negative: never.
  static func deadline(milliseconds: Int32) -> Int64 {
    milliseconds < 0 ? .max : cmsr_monotonic_nanoseconds() + Int64(milliseconds) * 1_000_000
  }

  /// A line that has arrived already.
  private mutating func bufferedLine() throws(ClientError) -> [UInt8]? {
    if let bytes = buffer.next() {
      ending = .closed(path: path)
      return bytes
    }
    guard !buffer.isOverfull else { throw .notTheProtocol(path: path, why: "a line has no end") }
    return nil
  }

  /// Takes in what has arrived.
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

  /// What a line says.
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

/// Whether there is something at a path that is no socket: connecting to a file is refused like connecting to a dead socket.
private func isSomethingElse(_ path: String) -> Bool {
  var file = stat()
  return unsafe stat(path, &file) == 0 && file.st_mode & S_IFMT != S_IFSOCK
}
