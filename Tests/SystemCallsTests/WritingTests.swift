import Foundation
import SystemCalls
import Testing

@Suite("Writing files")
struct WritingTests {
  /// Somebody who is neither root nor this process's user.
  private static let somebody: UInt32 = 65_534
  private static let isRoot = geteuid() == 0

  private let folder = NSTemporaryDirectory() + "pkg-watt-stat-" + UUID().uuidString

  init() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
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
    for other in [folder + "/link", "/dev/null"] {
      #expect(throws: FileError(path: other, errno: EEXIST)) { try TextFile.replace(other, "x") }
    }
    #expect(throws: FileError(path: folder, errno: EEXIST)) { try TextFile.replace(folder, "x") }
    for other in [folder + "/", folder + "/.", folder + "/.."] {
      #expect(throws: FileError(path: other, errno: EISDIR)) { try TextFile.replace(other, "x") }
    }
    #expect(throws: FileError(path: "/nonexistent/x", errno: ENOENT)) { try TextFile.replace("/nonexistent/x", "x") }
    #expect(try Set(Folder.names(in: folder)) == ["file", "link"])
  }

  @Test("one that is begun and let go of changes nothing, and leaves nothing")
  func lettingGo() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try TextFile.replace(folder + "/file", "old")
    do {
      let begun = try NewFile(replacing: folder + "/file")
      #expect(try Folder.names(in: folder).count == 2)
      _ = consume begun
    }
    #expect(try Folder.names(in: folder) == ["file"] && TextFile.read(folder + "/file") == "old")
    let begun = try NewFile(replacing: folder + "/file")
    try begun.publish("new")
    #expect(try Folder.names(in: folder) == ["file"] && TextFile.read(folder + "/file") == "new")
  }

  @Test("one that does not fit leaves the old one as it was")
  func fullDisk() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try TextFile.replace(folder + "/file", "old")
    // A limit on the size of files stands for a full disk; its signal would end the tests.
    signal(SIGXFSZ, SIG_IGN)
    var before = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &before)
    var small = rlimit(rlim_cur: 1000, rlim_max: before.rlim_max)
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &small)
    defer { setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &before) }
    #expect(throws: FileError(path: folder + "/file", errno: EFBIG)) {
      try TextFile.replace(folder + "/file", String(repeating: "x", count: 10_000))
    }
    #expect(try Folder.names(in: folder) == ["file"] && TextFile.read(folder + "/file") == "old")
  }

  @Test("a file keeps the permissions that its owner gave it")
  func permissions() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/file"
    try TextFile.replace(path, "")
    #expect(try FilePermissions(of: path).mode & 0o022 == 0)
    chmod(path, 0o600)
    try TextFile.replace(path, "secret")
    #expect(try FilePermissions(of: path).mode == 0o600)
  }

  @Test("not those that somebody else gave it", .enabled(if: isRoot, "only root gives files away"))
  func foreignPermissions() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/file"
    try TextFile.replace(path, "")
    chmod(path, 0o666)
    chown(path, Self.somebody, Self.somebody)
    try TextFile.replace(path, "")
    let now = try FilePermissions(of: path)
    #expect(now.user == 0 && now.mode & 0o022 == 0)
  }

  /// A folder, and a link in it to another one.
  struct Link: CustomTestStringConvertible {
    let testDescription: String
    var folderMode: mode_t = 0o755
    var isFolderForeign = false
    var isLinkForeign = false
    let isFollowed: Bool

    static let all = [
      Link(testDescription: "one's own", isFollowed: true),
      Link(testDescription: "one's own, in a folder like /tmp", folderMode: 0o1777, isFollowed: true),
      Link(
        testDescription: "somebody's, in a folder like /tmp", folderMode: 0o1777, isLinkForeign: true, isFollowed: false
      ),
      Link(testDescription: "one's own, in a folder open to everybody", folderMode: 0o777, isFollowed: false),
      Link(testDescription: "somebody's, in a folder that is not", isLinkForeign: true, isFollowed: false),
      Link(
        testDescription: "somebody's, in a folder of theirs", isFolderForeign: true, isLinkForeign: true,
        isFollowed: false),
      Link(testDescription: "one's own, in somebody's folder", isFolderForeign: true, isFollowed: false),
    ]
  }

  @Test(
    "a symbolic link on the way is followed only if nobody else could have made or moved it",
    .enabled(if: isRoot, "only root gives links away"), arguments: Link.all)
  func links(link: Link) throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let around = folder + "/around"
    let target = folder + "/target"
    for path in [around, target] { mkdir(path, 0o755) }
    // By way of the folder above, so that ".." and a relative target are walked too.
    symlink("../target", around + "/link")
    chmod(around, link.folderMode)
    if link.isLinkForeign { lchown(around + "/link", Self.somebody, Self.somebody) }
    if link.isFolderForeign { chown(around, Self.somebody, Self.somebody) }

    let path = around + "/link/file"
    let capture = around + "/link/capture"
    if link.isFollowed {
      try TextFile.replace(path, "text")
      try OpenFolder(capture, making: true).create("name", "text")
      #expect(try Set(Folder.names(in: target)) == ["file", "capture"])
    } else {
      #expect(throws: FileError(path: path, errno: ELOOP)) { try TextFile.replace(path, "text") }
      #expect(throws: FileError(path: capture, errno: ELOOP)) { _ = try OpenFolder(capture, making: true).path }
      #expect(try Folder.names(in: target) == [])
    }
  }

  @Test("an open folder takes new files and folders, never writes over one, and follows nothing in it")
  func openFolder() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/a/b/c"
    for _ in 0..<2 {
      let opened = try OpenFolder(path, making: true)
      #expect(try opened.names().isEmpty)
    }
    let opened = try OpenFolder(path)
    let text = String(repeating: "text\n", count: 100_000)
    try opened.create("deep/down/file", text)
    #expect(try TextFile.read(path + "/deep/down/file") == text)
    #expect(throws: FileError(path: path + "/deep/down/file", errno: EEXIST)) {
      try opened.create("deep/down/file", "")
    }
    try opened.make("deep/empty")
    symlink("/", path + "/root")
    #expect(throws: FileError(path: path + "/root/tmp", errno: ENOTDIR)) { try opened.create("root/tmp/x", "") }
    symlink(folder + "/none", path + "/dangling")
    #expect(throws: FileError(path: path + "/dangling", errno: EEXIST)) { try opened.create("dangling", "") }
    #expect(throws: FileError(path: path + "/..", errno: EINVAL)) { try opened.create("../x", "") }
    #expect(try Set(opened.names()) == ["deep", "root", "dangling"])
    // Where it is now, whatever has its path.
    rename(folder + "/a", folder + "/moved")
    try opened.create("late", "")
    #expect(try TextFile.read(folder + "/moved/b/c/late").isEmpty)
    for (path, reason) in [("/proc/none", ENOENT), ("/dev/null", ENOTDIR)] {
      #expect(throws: FileError(path: path + "/x", errno: reason)) {
        _ = try OpenFolder(path + "/x", making: true).path
      }
    }
  }

  @Test(
    "a path is taken apart by bytes",
    arguments: [
      ("file", ".", "file"), ("/file", "/", "file"), ("a/b/c", "a/b", "c"), ("a/", "a", ""), ("", ".", ""),
      ("/tmp/ö/x", "/tmp/ö", "x"), ("/tmp/\u{301}x", "/tmp", "\u{301}x"),
    ])
  func parts(path: String, folder: String, name: String) {
    defer { try? FileManager.default.removeItem(atPath: self.folder) }
    let parts = PathParts(path)
    #expect(Array(parts.folder.utf8) == Array(folder.utf8) && Array(parts.name.utf8) == Array(name.utf8))
  }
}
