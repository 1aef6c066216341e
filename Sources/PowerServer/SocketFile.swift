internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// A listening Unix socket and the file that clients find it by.
///
/// The socket is bound under a name that nobody knows, made ready, and only then moved to its path in one step. So a
/// client finds either the old socket or one that answers, and two services that start at once cannot both win.
public final class SocketFile: Sendable {
  /// The longest path that fits a socket address with its terminating zero.
  public static let mostPathBytes = 107

  /// How many connections may wait to be accepted; the kernel's own limit is somaxconn.
  static let backlog: Int32 = 4096

  /// The path as it was asked for.
  public let path: String
  /// The listening socket, until the server takes it.
  let descriptor: Int32
  /// nil where somebody else has bound the socket.
  private let place: Place?

  /// The file, as it is removed again.
  private final class Place: Sendable {
    let folder: Descriptor
    let name: String
    let identity: FileIdentity

    init(folder: consuming Descriptor, name: String, identity: FileIdentity) {
      self.folder = folder
      self.name = name
      self.identity = identity
    }
  }

  /// Who owns a socket file.
  public struct Owner: Sendable {
    /// The user id.
    public var user: UInt32
    /// The group id.
    public var group: UInt32

    /// An owner.
    public init(user: UInt32, group: UInt32) {
      self.user = user
      self.group = group
    }
  }

  /// Which file it is, whatever its name.
  struct FileIdentity: Equatable {
    let device: UInt64
    let inode: UInt64

    init(_ file: cmsr_file) {
      device = file.device
      inode = file.inode
    }
  }

  /// Binds, listens, and appears at the path.
  ///
  /// A socket whose listener is gone is replaced. Whatever else is there stays untouched.
  ///
  /// - Parameters:
  ///   - mode: permissions of the file; connecting needs the right to write.
  ///   - owner: who is to own the file, or nil for this process's user. In a sticky folder only the owner can remove it.
  public static func bind(_ path: String, mode: UInt32, owner: Owner?) throws(SocketError) -> SocketFile {
    let (folderPath, name) = try split(path)
    let opened = unsafe cmsr_open_folder(folderPath)
    guard opened.error == 0 else { throw .folder(path: folderPath, errno: opened.error) }
    let folder = Descriptor(owning: opened.descriptor)
    let socket = cmsr_unix_socket()
    guard socket.error == 0 else { throw .failed(path: path, step: "open", errno: socket.error) }
    let listener = Descriptor(owning: socket.descriptor)

    let temporary = try bindTemporarily(listener.number, in: folder.number, for: path)
    let file: cmsr_file
    do throws(SocketError) {
      try prepare(listener.number, path: path, folder: folder.number, temporary: temporary, mode: mode, owner: owner)
      file = unsafe cmsr_file_at(folder.number, temporary)
      guard file.error == 0 else { throw SocketError.failed(path: path, step: "find", errno: file.error) }
      try SocketPublication(path: path, folder: folder.number, name: name, temporary: temporary).run()
    } catch {
      unsafe unlinkat(folder.number, temporary, 0)
      throw error
    }
    return SocketFile(
      path: path, descriptor: listener.release(),
      place: Place(folder: folder, name: name, identity: FileIdentity(file)))
  }

  /// A socket that a service manager has bound, and keeps: it listens already, and its file is never removed.
  public static func passed(_ descriptor: Int32) throws(SocketError) -> SocketFile {
    var bytes = [CChar](repeating: 0, count: mostPathBytes + 2)
    let error = unsafe bytes.withUnsafeMutableBufferPointer {
      unsafe cmsr_socket_path(descriptor, $0.baseAddress, $0.count)
    }
    let path = String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard error == 0 else { throw .failed(path: "descriptor \(descriptor)", step: "find", errno: error) }
    return SocketFile(path: path, descriptor: descriptor, place: nil)
  }

  private static func prepare(
    _ listener: Int32, path: String, folder: Int32, temporary: String, mode: UInt32, owner: Owner?
  ) throws(SocketError) {
    func step(_ name: String, _ error: Int32) throws(SocketError) {
      if error != 0 { throw .failed(path: path, step: name, errno: error) }
    }
    try step("listen at", cmsr_listen(listener, backlog))
    try step("set the permissions of", unsafe fchmodat(folder, temporary, mode, 0) == 0 ? 0 : errno)
    guard let owner else { return }
    let owned = unsafe fchownat(folder, temporary, owner.user, owner.group, AT_SYMLINK_NOFOLLOW)
    try step("give away", owned == 0 ? 0 : errno)
  }

  /// Takes the file away, if it is still this one. The socket itself is closed by whoever serves it.
  ///
  /// - Throws: `SocketError.failed` where the file is there and cannot be removed.
  public func remove() throws(SocketError) {
    guard let place else { return }
    let file = unsafe cmsr_file_at(place.folder.number, place.name)
    guard file.error == 0, FileIdentity(file) == place.identity else { return }
    if unsafe unlinkat(place.folder.number, place.name, 0) != 0 {
      throw .failed(path: path, step: "remove", errno: errno)
    }
  }

  /// Whether the file is still where it was bound; true also where somebody else has bound it, and keeps it.
  public var isInPlace: Bool {
    guard let place else { return true }
    let file = unsafe cmsr_file_at(place.folder.number, place.name)
    return file.error == 0 && FileIdentity(file) == place.identity
  }

  private init(path: String, descriptor: Int32, place: Place?) {
    self.path = path
    self.descriptor = descriptor
    self.place = place
  }

  private static func split(_ path: String) throws(SocketError) -> (folder: String, name: String) {
    guard path.utf8.count <= mostPathBytes else { throw .tooLong(path: path) }
    let parts = PathParts(path)
    guard !["", ".", ".."].contains(parts.name), !path.utf8.contains(0) else { throw .notAFile(path: path) }
    return (parts.folder, parts.name)
  }

  private static func bindTemporarily(
    _ listener: Int32, in folder: Int32, for path: String
  ) throws(SocketError) -> String {
    while true {
      let name = ".pkg-watt-stat-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
      switch unsafe cmsr_bind_at(listener, folder, name) {
      case 0: return name
      case EADDRINUSE: continue
      case let error: throw .failed(path: path, step: "create", errno: error)
      }
    }
  }
}
