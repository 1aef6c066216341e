import Foundation
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
