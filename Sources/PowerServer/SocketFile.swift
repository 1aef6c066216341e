internal import CMSRShim
internal import Glibc
internal import Synchronization
internal import SystemCalls

/// A listening Unix socket, and its file.
///
/// The socket is bound under a secret name, made ready, and only then moved to its path in one step. So a client finds either
/// the old socket or one that answers, and two services that start at the same time cannot both win.
public final class SocketFile: Sendable {
  /// Held around each bind, which changes the umask of the whole process for a moment: two at once would leave it at 0.
  private static let binding = Mutex(())

  /// The longest path that fits a socket address with its terminating zero.
  public static let mostPathBytes = 107

  /// How many connections may wait to be accepted; the kernel's own limit is somaxconn.
  static let backlog: Int32 = 4096

  /// The path as it was given.
  public let path: String
  private let mode: UInt32
  /// Whether this process has bound it, and so may bind its file again and remove it.
  let isOurs: Bool
  private let bound: Mutex<Bound>

  private struct Bound {
    let descriptor: Int32
    /// nil if this process cannot see the file.
    let place: Place?
  }

  /// The place of the file, and its identity.
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

  /// The owner of a socket file: the ids of a user and a group.
  public typealias Owner = (user: UInt32, group: UInt32)

  /// The identity of a file, whatever its name.
  typealias FileIdentity = (device: UInt64, inode: UInt64)

  /// Binds, listens, and appears at the path.
  ///
  /// A socket whose listener is gone is replaced. Anything else that is there stays untouched.
  ///
  /// Meanwhile root acts as `owner`, so that it never does for a folder's owner what that user could not do alone. If the owner
  /// may not do it, root does it itself.
  ///
  /// - Parameters:
  ///   - mode: permissions of the file; connecting needs the right to write.
  ///   - owner: the owner of the file, or nil for this process's user. In a sticky folder only the owner can remove it. Root
  ///     stays the owner in a folder that the owner may not write to and that others than root may write to. Another owner
  ///     needs CAP_SETUID and CAP_SETGID.
  public static func bind(_ path: String, mode: UInt32, owner: Owner?) throws(SocketError) -> SocketFile {
    SocketFile(path: path, mode: mode, isOurs: true, bound: try bound(path, mode: mode, owner: owner))
  }

  private static func bound(_ path: String, mode: UInt32, owner: Owner?) throws(SocketError) -> Bound {
    guard let owner else { return try bound(path, mode: mode) }
    let user = geteuid()
    let group = getegid()
    guard cmsr_act_as(owner.user, owner.group) == 0 else {
      _ = cmsr_act_as(user, group)
      throw .failed(path: path, step: "create as its owner", errno: EPERM)
    }
    let asOwner = Result { () throws(SocketError) in try bound(path, mode: mode) }
    // Root has to become root again, whatever the result.
    guard cmsr_act_as(user, group) == 0 else { throw .failed(path: path, step: "create as its owner", errno: EPERM) }
    if case .failure(let error) = asOwner, error.isMissingRight { return try bound(path, mode: mode, giving: owner) }
    return try asOwner.get()
  }

  /// - Parameters:
  ///   - owner: gets the file if only root may write to the folder, so that no other user can swap it for another file.
  ///   - replacesDead: whether it replaces a socket whose listener is gone.
  private static func bound(
    _ path: String, mode: UInt32, giving owner: Owner? = nil, replacesDead: Bool = true
  ) throws(SocketError) -> Bound {
    let (folderPath, name) = try split(path)
    let folder = try open(folderPath)
    let socket = cmsr_unix_socket()
    guard socket.error == 0 else { throw .failed(path: path, step: "open", errno: socket.error) }
    let listener = Descriptor(owning: socket.descriptor)

    let temporary = try bindTemporarily(listener.number, in: folder.number, for: path, mode: mode)
    let identity: FileIdentity
    do throws(SocketError) {
      let error = cmsr_listen(listener.number, backlog)
      if error != 0 { throw SocketError.failed(path: path, step: "listen at", errno: error) }
      let publication = SocketPublication(
        path: path, folder: folder.number, name: name, temporary: temporary, listener: listener.number,
        replacesDead: replacesDead)
      identity = try publication.run { () throws(SocketError) in
        guard let owner, isRootsAlone(folder.number) else { return }
        let given = unsafe fchownat(folder.number, temporary, owner.user, owner.group, AT_SYMLINK_NOFOLLOW)
        if given != 0 { throw .failed(path: path, step: "give away", errno: errno) }
      }
    } catch {
      unsafe unlinkat(folder.number, temporary, 0)
      throw error
    }
    return Bound(
      descriptor: listener.release(), place: Place(folder: folder, name: name, identity: identity))
  }

  /// Opens the folder in which a socket is made. Another user's link is not followed: it could lead root anywhere.
  private static func open(_ path: String) throws(SocketError) -> Descriptor {
    do {
      return try OpenFolder(path).place()
    } catch {
      throw .folder(path: path, errno: error.errno)
    }
  }

  /// Binds it again after its file was removed, as the present user.
  ///
  /// Only if nothing is there: a socket that seems dead may belong to another program that does not listen yet.
  public func bindAnew() throws(SocketError) {
    let new = try Self.bound(path, mode: mode, replacesDead: false)
    bound.withLock { $0 = new }
  }

  /// The listening socket, until the server takes it.
  var descriptor: Int32 { bound.withLock { $0.descriptor } }
  private var place: Place? { bound.withLock { $0.place } }

  /// Whether only root can rename files in a folder.
  private static func isRootsAlone(_ folder: Int32) -> Bool {
    let found = cmsr_file_behind(folder)
    return found.error == 0 && found.owner == 0 && found.mode & 0o022 == 0
  }

  /// A socket that the service manager has bound and keeps: it listens already, and its file is never removed.
  public static func passed(_ descriptor: Int32) throws(SocketError) -> SocketFile {
    var bytes = [CChar](repeating: 0, count: mostPathBytes + 2)
    let error = unsafe bytes.withUnsafeMutableBufferPointer {
      unsafe cmsr_socket_path(descriptor, $0.baseAddress, $0.count)
    }
    let path = String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard error == 0 else { throw .failed(path: "descriptor \(descriptor)", step: "find", errno: error) }
    return SocketFile(
      path: path, mode: 0, isOurs: false, bound: Bound(descriptor: descriptor, place: visiblePlace(path)))
  }

  /// The path of a socket that another process has bound; nil if this process cannot see it, as in a private folder.
  private static func visiblePlace(_ path: String) -> Place? {
    let parts = PathParts(path)
    guard path.hasPrefix("/"), let folder = try? filePlace(parts.folder, root: "") else { return nil }
    let file = unsafe cmsr_file_at(folder.number, parts.name)
    guard file.error == 0 else { return nil }
    return Place(folder: folder, name: parts.name, identity: file.identity)
  }

  /// Removes the file, if it is still this one. The server closes the socket itself.
  ///
  /// - Throws: `SocketError.failed` if the file is there and cannot be removed.
  public func remove() throws(SocketError) {
    guard isOurs, let place else { return }
    let file = unsafe cmsr_file_at(place.folder.number, place.name)
    guard file.error == 0, file.identity == place.identity else { return }
    if unsafe unlinkat(place.folder.number, place.name, 0) != 0 {
      throw .failed(path: path, step: "remove", errno: errno)
    }
  }

  /// Whether the file is still where it was bound; also true if this process cannot see it.
  public var isInPlace: Bool {
    guard let place else { return true }
    // By its path, as clients see it: its folder may have been moved away, or covered by another.
    let file = unsafe cmsr_file_at(AT_FDCWD, path)
    return file.error == 0 ? file.identity == place.identity : file.error != ENOENT
  }

  private init(path: String, mode: UInt32, isOurs: Bool, bound: Bound) {
    self.path = path
    self.mode = mode
    self.isOurs = isOurs
    self.bound = Mutex(bound)
  }

  private static func split(_ path: String) throws(SocketError) -> (folder: String, name: String) {
    guard path.utf8.count <= mostPathBytes else { throw .tooLong(path: path) }
    let parts = PathParts(path)
    guard !["", ".", ".."].contains(parts.name), !path.utf8.contains(0) else { throw .notAFile(path: path) }
    return (parts.folder, parts.name)
  }

  private static func bindTemporarily(
    _ listener: Int32, in folder: Int32, for path: String, mode: UInt32
  ) throws(SocketError) -> String {
    while true {
      let name = ".pkg-watt-stat-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
      switch binding.withLock({ _ in unsafe cmsr_bind_at(listener, folder, name, mode) }) {
      case 0: return name
      case EADDRINUSE: continue
      case let error: throw .failed(path: path, step: "create", errno: error)
      }
    }
  }
}

extension cmsr_file {
  var identity: SocketFile.FileIdentity { (device, inode) }
}
