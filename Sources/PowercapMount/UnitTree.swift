internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// The powercap tree of pkg-watt-stat-powercap.service. Its server has no right at all; root does for it what is here, in short steps
/// that take no path from anybody.
public enum UnitTree {
  /// A step.
  public enum Step: String, CaseIterable, Sendable {
    /// Mounts the tree in /run/pkg-watt-stat/powercap, once the server answers.
    case attach
    /// Puts the tree's files in the place of the kernel's.
    case cover
    /// Takes away whatever the other steps have mounted, also if its server hangs.
    case remove
  }

  /// The service's folder, which belongs to root.
  private static let around = "/run/pkg-watt-stat"
  private static let name = "powercap"
  static let folder = "\(around)/\(name)"
  /// Where the server waits for its FUSE connection: a folder of its own.
  private static let handOver = "/run/pkg-watt-stat-powercap/hand-over"
  private static let type = "fuse.pkg-watt-stat"

  /// Takes a step.
  ///
  /// - Parameter server: the server's process, as systemd tells it in MAINPID.
  /// - Returns: what the administrator should know, in sentences.
  public static func perform(_ step: Step, server: Int32?) throws(TreeError) -> [String] {
    guard geteuid() == 0 else { throw .notRoot }
    switch step {
    case .attach:
      guard let server else { throw .noUnit }
      return try attach(server)
    case .cover: return try ZoneCover.cover(with: try tree())
    case .remove:
      try remove()
      return []
    }
  }

  private static func attach(_ process: pid_t) throws(TreeError) -> [String] {
    // What a step that was killed has left.
    try removeMounts()
    let folder = try place()
    let server = try TreeServer(handOver: handOver, process: process)
    let tree = try FuseMount()
    let said = try server.serve(tree.connection)
    try tree.attach(to: folder, Self.folder)
    return said
  }

  /// The folder to mount on, which nobody but root can have moved or put there.
  private static func place() throws(TreeError) -> Descriptor {
    let outer = try makeFolder(around, in: AT_FDCWD, around)
    try demandRoots(outer, around)
    let inner = try makeFolder(folder, in: outer.number, name)
    let (here, there) = (cmsr_mount_number(outer.number), cmsr_mount_number(inner.number))
    guard here == there else { throw .occupied(folder) }
    try demandRoots(inner, folder)
    return inner
  }

  /// Opens a folder, which is made if there is nothing.
  private static func makeFolder(_ path: String, in folder: Int32, _ name: String) throws(TreeError) -> Descriptor {
    guard unsafe mkdirat(folder, name, 0o755) == 0 || errno == EEXIST else { throw .noFolder(path, errno: errno) }
    return try SharedTree.folder(path)
  }

  /// Makes sure that only root can change what is in a folder.
  private static func demandRoots(_ folder: borrowing Descriptor, _ path: String) throws(TreeError) {
    let file = cmsr_known_file_behind(folder.number)
    guard file.error == 0 else { throw .noFolder(path, errno: file.error) }
    guard file.owner == 0, file.mode & (S_IWGRP | S_IWOTH) == 0 else { throw .foreignFolder(path) }
  }

  /// The tree, mounted.
  private static func tree() throws(TreeError) -> Descriptor {
    let opened = unsafe cmsr_open_place(folder)
    guard opened.error == 0 else { throw .notMounted(folder) }
    let tree = Descriptor(owning: opened.descriptor)
    guard let entry = try MountTable().entry(of: tree), entry.type == type, entry.place == folder else {
      throw .notMounted(folder)
    }
    return tree
  }

  private static func remove() throws(TreeError) {
    try removeMounts()
    // What attach has not made stays.
    let opened = unsafe cmsr_open_place(folder)
    guard opened.error == 0 else { return }
    let place = Descriptor(owning: opened.descriptor)
    let file = cmsr_known_file_behind(place.number)
    guard file.error == 0, file.owner == 0, file.mode & S_IFMT == S_IFDIR,
      try MountTable().entry(of: place)?.place != folder
    else { return }
    guard unsafe rmdir(folder) != 0 && errno != ENOENT && errno != ENOTEMPTY else { return }
    throw .noRemoval(folder, errno: errno)
  }

  /// Takes the mounts away, those last that others are mounted on. One that has to stay keeps none of the others.
  private static func removeMounts() throws(TreeError) {
    var failure: TreeError?
    for entry in try MountTable().entries.reversed() where isOurs(entry) {
      do throws(TreeError) { try remove(entry) } catch { failure = failure ?? error }
    }
    if let failure { throw failure }
  }

  private static func remove(_ entry: MountTable.Entry) throws(TreeError) {
    let opened = unsafe cmsr_open_place(entry.place)
    // A zone that the kernel has removed has taken its mount along.
    if opened.error == ENOENT { return }
    guard opened.error == 0 else { throw .noRemoval(entry.place, errno: opened.error) }
    let mount = Descriptor(owning: opened.descriptor)
    // Not what may have come in its place since.
    guard cmsr_mount_number(mount.number) == entry.number else { throw .noRemoval(entry.place, errno: EBUSY) }
    let error = cmsr_end_mount(mount.number)
    guard error == 0 else { throw .noRemoval(entry.place, errno: error) }
  }

  /// Whether one of these steps has made a mount.
  static func isOurs(_ entry: MountTable.Entry) -> Bool {
    entry.type == type && (entry.place == folder || ZoneCover.covers(entry.place))
  }
}
