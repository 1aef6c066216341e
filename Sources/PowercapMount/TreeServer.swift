internal import CMSRShim
internal import Glibc
internal import Privileges
internal import SystemCalls

/// The process that serves a tree. It holds no right and no device but its FUSE connection, and waits for that one.
struct TreeServer: ~Copyable {
  /// Whose child it is.
  enum Kind {
    /// Nobody's, so that a command can take this process's place.
    case detached
    /// This process's.
    case child
  }

  /// The child; 0 if it is nobody's.
  let process: pid_t
  private let channel: Descriptor

  /// Starts it.
  ///
  /// - Parameter socket: the path of the service's socket, if the user has named one.
  init(_ program: TreeProgram, socket: String?, _ kind: Kind) throws(TreeError) {
    var words = [
      program.path, "/dev/fd/\(cmsr_helper_descriptor)", "--channel", "\(cmsr_helper_channel)",
      "--caller", "\(geteuid())",
    ]
    // A command's first reading is then there, or almost, when it wants it.
    if kind == .detached { words.append("--soon") }
    if let socket { words += ["--socket", try Self.absolute(socket)] }
    // The service tells root more than everyone may know.
    var (user, group) = (UInt32.max, UInt32.max)
    if geteuid() == 0 {
      guard let nobody = try? ServiceUser.named("nobody") else { throw .noUser("nobody") }
      (user, group) = (nobody.user, nobody.group)
    }
    let command = CommandWords(words)
    let helper = unsafe cmsr_start_helper(command.bytes, command.count, user, group, kind == .detached ? 1 : 0)
    guard helper.error == 0 else { throw .noProcess(errno: helper.error) }
    process = helper.process
    channel = Descriptor(owning: helper.channel)
  }

  /// Reaches one that is a service of its own, at the socket at which it waits for its FUSE connection.
  ///
  /// - Parameter process: the service's process: nobody else is served.
  init(handOver path: String, process: pid_t) throws(TreeError) {
    let opened = cmsr_unix_socket()
    guard opened.error == 0 else { throw .noServer(path, errno: opened.error) }
    let error = unsafe cmsr_connect(opened.descriptor, path)
    var peer = cmsr_credentials()
    let unknown = error == 0 ? unsafe cmsr_peer_credentials(opened.descriptor, &peer) : 0
    guard error == 0, unknown == 0, peer.process == process else {
      cmsr_close(opened.descriptor)
      throw error == 0 ? .foreignServer(path) : .noServer(path, errno: error)
    }
    self.process = process
    channel = Descriptor(owning: opened.descriptor)
  }

  /// Gives it the FUSE connection, and waits until it serves.
  ///
  /// - Returns: what the user should know, in sentences.
  func serve(_ connection: borrowing Descriptor) throws(TreeError) -> [String] {
    let error = cmsr_send_descriptor(channel.number, connection.number)
    guard error == 0 else { throw .noProcess(errno: error) }
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(channel.number, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      text += chunk[..<count]
    }
    let lines = String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    guard lines.last == "ready" else {
      let reason = lines.last.map { $0.hasPrefix("Error: ") ? String($0.dropFirst(7)) : $0 }
      throw .notServed(reason ?? "The program that serves the powercap tree has ended without saying why.")
    }
    return lines.dropLast()
  }

  private static func absolute(_ path: String) throws(TreeError) -> String {
    if path.hasPrefix("/") { return path }
    guard let folder = unsafe getcwd(nil, 0) else { throw .noFolder(".", errno: errno) }
    defer { unsafe free(folder) }
    return unsafe String(cString: folder) + "/" + path
  }
}
