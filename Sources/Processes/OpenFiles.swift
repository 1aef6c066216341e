internal import Glibc
internal import SystemCalls

/// Files below an open folder, read without the work that a path from the root costs: thousands are read in each window.
struct OpenFiles: ~Copyable {
  private let folder: Descriptor
  private var buffer: [UInt8]

  /// A folder that is open.
  ///
  /// - Parameter most: how much of a file is read, in bytes.
  init(_ folder: consuming Descriptor, most: Int) {
    self.folder = folder
    buffer = [UInt8](repeating: 0, count: most)
  }

  /// A folder by its path.
  ///
  /// - Returns: nil if it cannot be opened.
  static func descriptor(_ path: String) -> Descriptor? {
    let number = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    return number < 0 ? nil : Descriptor(owning: number)
  }

  /// The folder's number.
  var number: Int32 { folder.number }

  /// The folder's inode number; nil if it has gone.
  var inode: UInt64? {
    var file = stat()
    return unsafe fstat(folder.number, &file) == 0 ? UInt64(file.st_ino) : nil
  }

  /// Whether there may be folders in it. In a cgroup's folder, the number of links tells without a listing: it is 2 and one more for
  /// each folder. Source: fs/kernfs/inode.c, kernfs_refresh_inode.
  var mayHaveFolders: Bool {
    var file = stat()
    return unsafe fstat(folder.number, &file) != 0 || file.st_nlink != 2
  }

  /// The beginning of a file that the kernel makes whole when it is read. Source: fs/seq_file.c, single_open: less than was asked
  /// for is the end.
  ///
  /// - Throws: an errno value in a `FileError`: ENOENT or ESRCH if it has gone.
  mutating func read(_ name: [CChar]) throws(FileError) -> ArraySlice<UInt8> {
    let number = unsafe openat(folder.number, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0 else { throw FileError(path: "", errno: errno) }
    defer { close(number) }
    var filled = 0
    while filled < buffer.count {
      let begin = filled
      let count = unsafe buffer.withUnsafeMutableBytes { bytes in
        unsafe Glibc.read(number, bytes.baseAddress.map { unsafe $0 + begin }, bytes.count - begin)
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw FileError(path: "", errno: errno) }
      filled += count
      if begin + count < buffer.count { break }
    }
    return buffer[..<filled]
  }

  /// The owner of something in the folder; nil if it has gone.
  func owner(of name: [CChar]) -> UInt32? {
    var file = stat()
    return unsafe fstatat(folder.number, name, &file, 0) == 0 ? file.st_uid : nil
  }

  /// The entries of the folder but for `.` and `..`: name, inode number, and whether it is a folder.
  func entries() -> [(name: [CChar], inode: UInt64, isFolder: Bool)]? {
    let number = unsafe openat(folder.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { return nil }
    guard let listing = unsafe fdopendir(number) else {
      close(number)
      return nil
    }
    defer { unsafe closedir(listing) }
    var entries: [(name: [CChar], inode: UInt64, isFolder: Bool)] = []
    while let entry = unsafe readdir(listing) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe bytes.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
      }
      if name == [46, 0] || name == [46, 46, 0] { continue }
      unsafe entries.append((name, UInt64(entry.pointee.d_ino), entry.pointee.d_type == UInt8(DT_DIR)))
    }
    return entries
  }
}
