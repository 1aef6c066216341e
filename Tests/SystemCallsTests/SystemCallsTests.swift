import Foundation
import Synchronization
import SystemCalls
import Testing

@Suite("Small files and folders")
struct FileTests {
  private let folder = NSTemporaryDirectory() + "pkg-watt-stat-" + UUID().uuidString

  init() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
  }

  private func failure(_ path: String) -> Int32? {
    do {
      _ = try TextFile.read(path)
      return nil
    } catch {
      return error.errno
    }
  }

  @Test("a text file is read whole")
  func reading() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let text = String(repeating: "line\n", count: 10_000)
    try text.write(toFile: folder + "/text", atomically: false, encoding: .utf8)
    #expect(try TextFile.read(folder + "/text") == text)
    #expect(try !TextFile.read("/proc/self/status").isEmpty)
  }

  @Test("what cannot be read says why, and never hangs")
  func failures() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(failure(folder + "/missing") == ENOENT)
    #expect(failure(folder) == EISDIR)
    mkfifo(folder + "/fifo", 0o600)
    #expect(failure(folder + "/fifo") == ENOTSUP)
    try Data([0xFF, 0xFE]).write(to: URL(filePath: folder + "/binary"))
    #expect(failure(folder + "/binary") == EILSEQ)
    try Data(count: 5 << 20).write(to: URL(filePath: folder + "/large"))
    #expect(failure(folder + "/large") == EFBIG)
    // Opening a device may do something to it.
    #expect(failure("/dev/zero") == ENOTSUP)
  }

  @Test("a folder's names come without . and ..")
  func names() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(try Folder.names(in: folder).isEmpty)
    #expect(FileManager.default.createFile(atPath: folder + "/one", contents: nil))
    #expect(FileManager.default.createFile(atPath: folder + "/.two", contents: nil))
    #expect(try Set(Folder.names(in: folder)) == ["one", ".two"])
    #expect(throws: FileError.self) { try Folder.names(in: folder + "/missing") }
    // Changed into UTF-8 it would name another file.
    let broken: [CChar] = Array(folder.utf8CString.dropLast()) + [47, -28, 0]
    close(open(broken, O_WRONLY | O_CREAT, 0o600))
    #expect(try Set(Folder.names(in: folder)) == ["one", ".two"])
  }

  @Test("a descriptor is closed with its owner, unless it was given away")
  func descriptors() {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let kept = open("/dev/null", O_RDONLY)
    let closed = open("/dev/null", O_RDONLY)
    #expect(fcntl(closed, F_GETFD) >= 0)
    do { _ = Descriptor(owning: closed) }
    #expect(fcntl(closed, F_GETFD) == -1)
    #expect(Descriptor(owning: kept).release() == kept)
    #expect(fcntl(kept, F_GETFD) >= 0)
    close(kept)
  }

  @Test("output that a path names leaves what is there until it is written, and keeps its permissions")
  func places() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try TextFile.replace(folder + "/file", "old")
    chmod(folder + "/file", 0o640)
    symlink("file", folder + "/link")
    symlink(folder, folder + "/around")
    symlink("loop", folder + "/loop")
    for path in ["/file", "/link", "/./around//link", "/around/../" + (folder as NSString).lastPathComponent + "/file"]
    {
      let place = try OutputPlace(folder + path)
      #expect(try TextFile.read(folder + "/file") != path)
      #expect(try Set(Folder.names(in: folder)) == ["file", "link", "around", "loop"])
      try place.write(path)
      #expect(try TextFile.read(folder + "/file") == path)
      #expect(try FilePermissions(of: folder + "/file").mode == 0o640)
    }
    for (path, errno) in [
      ("/loop", ELOOP), ("/none/file", ENOENT), ("/file/x", ENOTDIR), ("", EISDIR), ("/new/", ENOENT), ("/..", EISDIR),
      ("/" + String(repeating: "x", count: 256), ENAMETOOLONG),
    ] {
      #expect(throws: FileError(path: folder + path, errno: errno)) { _ = try OutputPlace(folder + path) }
    }
    #expect(throws: FileError(path: "", errno: EISDIR)) { _ = try OutputPlace("") }
    #expect(throws: FileError(path: "/dev/full", errno: ENOSPC)) { try OutputPlace("/dev/full").write("x") }
    #expect(try Set(Folder.names(in: folder)) == ["file", "link", "around", "loop"])
  }

  @Test(
    "output for a device goes into no file that somebody links in its place meanwhile",
    .enabled(if: geteuid() == 0, "needs root"))
  func swapped() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let folder = folder
    let (secret, place) = (folder + "/secret", folder + "/place")
    try TextFile.replace(secret, "secret")
    let isEnding = Mutex(false)
    let thread = Thread {
      let (file, device) = (folder + "/file", folder + "/device")
      while !isEnding.withLock({ $0 }) {
        mknod(device, S_IFCHR | 0o666, 0x103)
        rename(device, place)
        link(secret, file)
        rename(file, place)
      }
      isEnding.withLock { $0 = false }
    }
    thread.start()
    for _ in 0..<20_000 { try? OutputPlace(place).write("x") }
    isEnding.withLock { $0 = true }
    while isEnding.withLock({ $0 }) { usleep(1000) }
    #expect(try TextFile.read(secret) == "secret")
  }

  @Test("all is written, however slowly it is taken, also to what does not block")
  func writing() async throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0)
    let (reader, writer) = (ends[0], ends[1])
    let bytes = (0..<500_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let taken = Task.detached {
      var all: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 10_000)
      while case let count = read(reader, &chunk, chunk.count), count > 0 { all += chunk[..<count] }
      return all
    }
    #expect(writeAll(bytes, to: writer) == 0)
    close(writer)
    let all = await taken.value
    close(reader)
    #expect(all == bytes)
    let full = open("/dev/full", O_WRONLY)
    defer { close(full) }
    #expect(writeAll([1], to: full) == ENOSPC && writeAll([], to: full) == 0 && writeAll([1], to: -1) == EBADF)
  }

  @Test("permissions are those of chmod")
  func permissions() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try TextFile.replace(folder + "/file", "")
    chmod(folder + "/file", 0o4711)
    #expect(
      try FilePermissions(of: folder + "/file") == FilePermissions(mode: 0o4711, user: getuid(), group: getgid()))
    #expect(throws: FileError(path: folder + "/none", errno: ENOENT)) { try FilePermissions(of: folder + "/none") }
  }

  @Test("an errno value has words")
  func words() {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(errorText(ENOENT) == "No such file or directory")
    #expect(!errorText(99_999).isEmpty)
  }
}
