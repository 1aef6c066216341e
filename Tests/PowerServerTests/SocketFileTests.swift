import Foundation
import PowerServer
import Synchronization
import Testing

/// A folder that goes away with its owner.
private final class Folder {
  let path = "/tmp/pkg-watt-stat-socket-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)

  init(deepening levels: Int = 0) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Somebody who may write to a folder, and puts a symbolic link in the place of every socket that is being made there.
private final class Swapper: Sendable {
  private let count = Mutex(0)
  private let isEnding = Mutex(false)

  init(in folder: String, target: String) {
    Thread.detachNewThread { [self] in
      while !isEnding.withLock({ $0 }) {
        guard let names = opendir(folder) else { return }
        while let entry = readdir(names) {
          let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
          }
          guard name.hasPrefix(".pkg-watt-stat-") else { continue }
          if unlink(folder + "/" + name) == 0, symlink(target, folder + "/" + name) == 0 { count.withLock { $0 += 1 } }
        }
        closedir(names)
      }
    }
  }

  var swaps: Int { count.withLock { $0 } }
  func stop() { isEnding.withLock { $0 = true } }
}

private func failure(_ path: String) -> SocketError? {
  do {
    _ = try SocketFile.bind(path, mode: 0o666, owner: nil)
    return nil
  } catch {
    return error
  }
}

@Suite("A socket's file", .serialized)
struct SocketFileTests {
  @Test("has the mode that was asked for, answers, and is taken away", arguments: [0o666, 0o600] as [UInt32])
  func binding(mode: UInt32) throws {
    let folder = try Folder()
    let path = folder.path + "/s"
    let file = try SocketFile.bind(path, mode: mode, owner: nil)
    #expect(folder.names == ["s"])
    let permissions = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(permissions == Int(mode))
    #expect(throws: Never.self) { try TestClient(path) }
    try file.remove()
    #expect(folder.names.isEmpty)
    #expect(throws: Never.self) { try file.remove() }
  }

  @Test("belongs to whom it is given", .enabled(if: getuid() == 0, "needs root"))
  func owner() throws {
    let folder = try Folder()
    _ = try SocketFile.bind(folder.path + "/s", mode: 0o666, owner: (12_345, 23_456))
    let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/s")
    #expect(attributes[.ownerAccountID] as? Int == 12_345 && attributes[.groupOwnerAccountID] as? Int == 23_456)
  }

  @Test("is its owner's also in a folder that only the owner may write to", .enabled(if: getuid() == 0, "needs root"))
  func ownersFolder() throws {
    let folder = try Folder()
    chown(folder.path, 12_345, 23_456)
    let mask = umask(0o077)
    defer { umask(mask) }
    let file = try SocketFile.bind(
      folder.path + "/s", mode: 0o666, owner: (12_345, 23_456))
    let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/s")
    #expect(attributes[.ownerAccountID] as? Int == 12_345 && attributes[.groupOwnerAccountID] as? Int == 23_456)
    #expect(attributes[.posixPermissions] as? Int == 0o666)
    // Root has its rights again.
    #expect(FileManager.default.createFile(atPath: folder.path + "/root's", contents: nil))
    #expect(try FileManager.default.attributesOfItem(atPath: folder.path + "/root's")[.ownerAccountID] as? Int == 0)
    try file.remove()
  }

  @Test("stays root's in a folder that is somebody else's", .enabled(if: getuid() == 0, "needs root"))
  func foreignFolder() throws {
    let folder = try Folder()
    chown(folder.path, 54_321, 54_321)
    _ = try SocketFile.bind(folder.path + "/s", mode: 0o666, owner: (12_345, 23_456))
    let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/s")
    #expect(attributes[.ownerAccountID] as? Int == 0 && attributes[.posixPermissions] as? Int == 0o666)
  }

  @Test(
    "what the folder's owner swaps in while root makes a socket is neither changed nor published",
    .enabled(if: getuid() == 0, "needs root"), arguments: [12_345, 54_321] as [UInt32])
  func swapping(folderOwner: UInt32) throws {
    let folder = try Folder()
    let secret = try Folder()
    chown(folder.path, folderOwner, folderOwner)
    let file = secret.path + "/secret"
    #expect(FileManager.default.createFile(atPath: file, contents: Data("root's".utf8)))
    chmod(file, 0o600)
    let swapper = Swapper(in: folder.path, target: file)
    defer { swapper.stop() }
    let path = folder.path + "/s"
    let end = Date.now.addingTimeInterval(20)
    // Often enough that it came in between each step.
    while Date.now < end, swapper.swaps < 500 {
      let made = try? SocketFile.bind(path, mode: 0o666, owner: (12_345, 12_345))
      if made != nil {
        let type = try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
        try #require(type == .typeSocket, "\(String(describing: type)) was published")
      }
      unlink(path)
      let attributes = try FileManager.default.attributesOfItem(atPath: file)
      try #require(attributes[.posixPermissions] as? Int == 0o600 && attributes[.ownerAccountID] as? Int == 0)
    }
    #expect(swapper.swaps > 10, "nothing was swapped in")
  }

  @Test(
    "is not made where another user's link leads", .enabled(if: getuid() == 0, "needs root"),
    arguments: [nil, 12_345] as [UInt32?])
  func links(user: UInt32?) throws {
    let folder = try Folder()
    let target = try Folder()
    let link = folder.path + "/link"
    chown(folder.path, 54_321, 54_321)
    symlink(target.path, link)
    lchown(link, 54_321, 54_321)
    let owner = user.map { ($0, $0) }
    #expect(throws: SocketError.folder(path: link, errno: ELOOP)) {
      try SocketFile.bind(link + "/s", mode: 0o666, owner: owner)
    }
    #expect(target.names.isEmpty)
    // Root's own link, in a folder of its own, is followed.
    let own = try Folder()
    symlink(target.path, own.path + "/link")
    _ = try SocketFile.bind(own.path + "/link/s", mode: 0o666, owner: owner)
    #expect(target.names == ["s"])
  }

  @Test("a live socket is refused, a dead one replaced")
  func occupied() throws {
    let folder = try Folder()
    let path = folder.path + "/s"
    let dead = Int32(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
    bindSocket(dead, to: path)
    listen(dead, 1)
    #expect(failure(path) == .inUse(path: path))
    close(dead)
    #expect(failure(path) == nil)
    #expect(folder.names == ["s"])
  }

  @Test("a socket of another kind is left alone")
  func datagram() throws {
    let folder = try Folder()
    let path = folder.path + "/s"
    let other = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(other) }
    bindSocket(other, to: path)
    guard case .unreachable = failure(path) else {
      Issue.record("\(String(describing: failure(path)))")
      return
    }
    #expect(folder.names == ["s"])
  }

  @Test("whatever is no socket is left alone")
  func strangers() throws {
    let folder = try Folder()
    try FileManager.default.createDirectory(atPath: folder.path + "/directory", withIntermediateDirectories: false)
    #expect(FileManager.default.createFile(atPath: folder.path + "/file", contents: nil))
    try FileManager.default.createSymbolicLink(atPath: folder.path + "/link", withDestinationPath: "nowhere")
    mkfifo(folder.path + "/pipe", 0o600)
    let before = folder.names.sorted()
    for (name, occupant) in [
      ("directory", "directory"), ("file", "file"), ("link", "symbolic link"), ("pipe", "device or pipe"),
    ] {
      let path = folder.path + "/" + name
      #expect(failure(path) == .occupied(path: path, by: occupant))
    }
    #expect(folder.names.sorted() == before)
  }

  @Test("a path that cannot be is refused", arguments: ["", "/", "/tmp/", ".", "/tmp/.."])
  func noFile(path: String) {
    #expect(failure(path) == .notAFile(path: path))
  }

  @Test("a path may have 107 bytes, however long its folder, and no more")
  func length() throws {
    let folder = try Folder()
    let fill = 107 - folder.path.utf8.count - 1
    let name = String(repeating: "n", count: fill)
    #expect(failure(folder.path + "/" + name) == nil)
    let long = folder.path + "/" + name + "n"
    #expect(failure(long) == .tooLong(path: long))
    let deep = folder.path + "/" + String(repeating: "d", count: fill - 2)
    try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: false)
    #expect(failure(deep + "/s") == nil)
  }

  @Test("a missing folder is named")
  func missingFolder() {
    #expect(failure("/nonexistent/folder/s") == .folder(path: "/nonexistent/folder", errno: ENOENT))
  }

  @Test("of many that bind at once exactly one wins, and nothing is left over", arguments: [false, true])
  func race(takingOver: Bool) async throws {
    for _ in 0..<20 {
      let folder = try Folder()
      let path = folder.path + "/s"
      if takingOver {
        let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        bindSocket(dead, to: path)
        close(dead)
      }
      let winners = await withTaskGroup(of: Int.self) { group in
        for _ in 0..<8 { group.addTask { failure(path) == nil ? 1 : 0 } }
        return await group.reduce(0, +)
      }
      #expect(winners == 1)
      #expect(folder.names == ["s"])
    }
  }

  @Test(
    "bound anew, it takes nobody's place, also not that of a socket that does not listen yet", arguments: [true, false])
  func anew(listening: Bool) throws {
    let folder = try Folder()
    let path = folder.path + "/s"
    let file = try SocketFile.bind(path, mode: 0o666, owner: nil)
    unlink(path)
    let other = Int32(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
    defer { close(other) }
    bindSocket(other, to: path)
    if listening { listen(other, 1) }
    #expect(throws: listening ? SocketError.inUse(path: path) : .taken(path: path)) { try file.bindAnew() }
    #expect(folder.names == ["s"])
    listen(other, 1)
    #expect(throws: Never.self) { try TestClient(path) }
    unlink(path)
    #expect(throws: Never.self) { try file.bindAnew() }
  }

  @Test("is missed, and bound anew, if its folder was moved away, replaced or removed", arguments: [false, true])
  func movedFolder(again: Bool) throws {
    let around = try Folder()
    let folder = around.path + "/in"
    mkdir(folder, 0o700)
    let file = try SocketFile.bind(folder + "/s", mode: 0o666, owner: nil)
    #expect(file.isInPlace)
    rename(folder, around.path + "/away")
    #expect(!file.isInPlace)
    #expect(throws: SocketError.self) { try file.bindAnew() }
    guard again else { return }
    mkdir(folder, 0o700)
    #expect(!file.isInPlace)
    try file.bindAnew()
    #expect(file.isInPlace)
    #expect(throws: Never.self) { try TestClient(folder + "/s") }
  }

  @Test("two that bind at the same time leave the umask as it was")
  func simultaneous() async throws {
    let before = umask(0o022)
    defer { _ = umask(before) }
    let folder = try Folder()
    let path = folder.path
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<200 {
        group.addTask { _ = try? SocketFile.bind(path + "/s\(number)", mode: 0o666, owner: nil) }
      }
    }
    #expect(umask(0o022) == 0o022)
  }

  @Test("another service's socket at the same path is not taken away")
  func successor() throws {
    let folder = try Folder()
    let path = folder.path + "/s"
    let first = try SocketFile.bind(path, mode: 0o666, owner: nil)
    unlink(path)
    _ = try SocketFile.bind(path, mode: 0o666, owner: nil)
    try first.remove()
    #expect(folder.names == ["s"])
  }

  private func bindSocket(_ descriptor: Int32, to path: String) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0)
  }
}
