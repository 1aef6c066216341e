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
    #expect(failure(folder + "/fifo") == nil)
    try Data([0xFF, 0xFE]).write(to: URL(filePath: folder + "/binary"))
    #expect(failure(folder + "/binary") == EILSEQ)
    try Data(count: 5 << 20).write(to: URL(filePath: folder + "/large"))
    #expect(failure(folder + "/large") == EFBIG)
    #expect(failure("/dev/zero") == EFBIG)
  }

  @Test("a folder's names come without . and ..")
  func names() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(try Folder.names(in: folder).isEmpty)
    #expect(FileManager.default.createFile(atPath: folder + "/one", contents: nil))
    #expect(FileManager.default.createFile(atPath: folder + "/.two", contents: nil))
    #expect(try Set(Folder.names(in: folder)) == ["one", ".two"])
    #expect(throws: FileError.self) { try Folder.names(in: folder + "/missing") }
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

  @Test("folders are made with those around them, and again without harm")
  func makingFolders() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for _ in 0..<2 { try Folder.make(folder + "/a/b/c") }
    #expect(try Folder.names(in: folder + "/a/b") == ["c"])
    #expect(throws: FileError(path: "/proc/none", errno: ENOENT)) { try Folder.make("/proc/none/x") }
    #expect(throws: FileError(path: "/dev/null/x", errno: ENOTDIR)) { try Folder.make("/dev/null/x") }
  }

  @Test("a new file is written whole, and none is ever written over, not through a link either")
  func creating() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let text = String(repeating: "text\n", count: 100_000)
    try TextFile.create(folder + "/new", text)
    #expect(try TextFile.read(folder + "/new") == text)
    #expect(throws: FileError(path: folder + "/new", errno: EEXIST)) { try TextFile.create(folder + "/new", "") }
    symlink(folder + "/target", folder + "/link")
    #expect(throws: FileError(path: folder + "/link", errno: EEXIST)) { try TextFile.create(folder + "/link", "") }
    #expect(throws: FileError(path: "/dev/full", errno: EEXIST)) { try TextFile.create("/dev/full", "x") }
  }

  @Test("a file is replaced whole, and what is no file is left alone")
  func replacing() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/file"
    for text in ["one", "", String(repeating: "text\n", count: 100_000)] {
      // Whoever has the old one open goes on reading that.
      let before = open(path, O_RDONLY)
      defer { close(before) }
      let old = try? TextFile.read(path)
      try TextFile.replace(path, text)
      #expect(try TextFile.read(path) == text)
      if let old { #expect(try TextFile.read("/proc/self/fd/\(before)") == old) }
    }
    symlink(path, folder + "/link")
    for other in [folder + "/link", folder, "/dev/null"] {
      #expect(throws: FileError(path: other, errno: EEXIST)) { try TextFile.replace(other, "x") }
    }
    #expect(throws: FileError(path: "/nonexistent/x", errno: ENOENT)) { try TextFile.replace("/nonexistent/x", "x") }
    #expect(try Set(Folder.names(in: folder)) == ["file", "link"])
  }

  @Test("permissions are those of chmod")
  func permissions() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try TextFile.create(folder + "/file", "")
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
