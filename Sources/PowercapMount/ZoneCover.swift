internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// Puts files of a powercap tree in the place of the kernel's own, for everyone.
enum ZoneCover {
  /// A zone of powercap: of the kernel's, or of a tree's.
  struct Zone: Equatable {
    /// The path of its folder below the top.
    let path: String
    /// What its file `name` says.
    let name: String
    /// The same of the zone around it, if there is one.
    let around: String?
  }

  /// A zone of the kernel's, and that of the tree that takes its place.
  struct Pair: Equatable {
    let kernel: Zone
    let tree: Zone
  }

  /// The kernel's tree, where the links of /sys/class/powercap lead.
  private static let kernel = "/sys/devices/virtual/powercap"
  private static let control = "intel-rapl"
  /// The files that take the place of the kernel's. Energy comes last: its range has to be right by then.
  private static let files = ["max_energy_range_uj", "energy_uj"]

  /// Whether a path is one of those that may be covered.
  static func covers(_ path: String) -> Bool {
    path.hasPrefix("\(kernel)/\(control)") && files.contains { path.hasSuffix("/\($0)") }
  }

  /// Covers each of the kernel's zones that is not covered yet.
  ///
  /// - Parameter tree: the tree's top.
  /// - Returns: what the administrator should know, in sentences.
  static func cover(with tree: borrowing Descriptor) throws(TreeError) -> [String] {
    let (shown, known): ([Zone], [Zone])
    do throws(FileError) {
      known = try zones(SystemFiles(), in: kernel)
    } catch {
      guard error.errno == ENOENT else { throw .noFolder(error.path, errno: error.errno) }
      return ["The kernel has no powercap (\(kernel)), so there is nothing to cover."]
    }
    do throws(FileError) {
      // What the server says leads nowhere out of its tree.
      shown = try zones(SystemFiles(root: UnitTree.folder), in: UnitTree.folder)
    } catch {
      throw .noFolder(error.path, errno: error.errno)
    }
    let (pairs, left) = pairs(of: known, with: shown)
    for pair in pairs {
      for file in files {
        try cover("\(kernel)/\(pair.kernel.path)/\(file)", with: "\(pair.tree.path)/\(file)", of: tree)
      }
    }
    guard !left.isEmpty else { return [] }
    let names = left.map { "\($0.path) (\($0.name))" }.joined(separator: ", ")
    return ["The service does not measure these zones, so the kernel's own files stay in them: \(names)."]
  }

  /// Which zone of a tree takes the place of which of the kernel's. They are of the same name: their numbers may differ, and the
  /// kernel may have the same counter twice.
  static func pairs(of kernel: [Zone], with tree: [Zone]) -> (pairs: [Pair], left: [Zone]) {
    var pairs: [Pair] = []
    var left: [Zone] = []
    for zone in kernel {
      if let other = tree.first(where: { $0.name == zone.name && $0.around == zone.around }) {
        pairs.append(Pair(kernel: zone, tree: other))
      } else {
        left.append(zone)
      }
    }
    return (pairs, left)
  }

  /// The zones below a folder, with those in them. What disappears meanwhile is left out.
  static func zones(_ files: any MachineFiles, in top: String) throws(FileError) -> [Zone] {
    var found: [Zone] = []
    for control in try files.names(in: top).sorted()
    where control == Self.control || control.hasPrefix("\(Self.control)-") {
      for name in (try? files.names(in: "\(top)/\(control)"))?.sorted() ?? [] where name.hasPrefix("\(control):") {
        let path = "\(control)/\(name)"
        guard let zone = zone(files, top, path, around: nil) else { continue }
        found.append(zone)
        for part in (try? files.names(in: "\(top)/\(path)"))?.sorted() ?? [] where part.hasPrefix("\(name):") {
          if let zone = Self.zone(files, top, "\(path)/\(part)", around: zone.name) { found.append(zone) }
        }
      }
    }
    return found
  }

  private static func zone(_ files: any MachineFiles, _ top: String, _ path: String, around: String?) -> Zone? {
    guard let text = try? files.text("\(top)/\(path)/name"), text.hasSuffix("\n") else { return nil }
    return Zone(path: path, name: String(text.dropLast()), around: around)
  }

  /// Puts one file in the place of another.
  private static func cover(
    _ path: String, with relative: String, of tree: borrowing Descriptor
  ) throws(TreeError) {
    let root = unsafe cmsr_open_folder("/")
    guard root.error == 0 else { throw .noFolder("/", errno: root.error) }
    let top = Descriptor(owning: root.descriptor)
    let opened = unsafe cmsr_open_in_root_without_links(top.number, path, pathOnly)
    // It has disappeared.
    if opened == -ENOENT || opened == -ENODEV { return }
    guard opened >= 0 else { throw .noFolder(path, errno: -opened) }
    let place = Descriptor(owning: opened)
    if let entry = try MountTable().entry(of: place), UnitTree.isOurs(entry) { return }
    let old = cmsr_file_behind(place.number)
    guard old.error == 0, old.owner == 0, old.mode & S_IFMT == S_IFREG else { throw .foreignFile(path) }
    let found = unsafe cmsr_open_in_root_without_links(tree.number, relative, pathOnly)
    guard found >= 0 else { throw .noFolder(path, errno: -found) }
    let file = Descriptor(owning: found)
    // The server cannot have led elsewhere.
    guard cmsr_mount_number(file.number) == cmsr_mount_number(tree.number) else { throw .foreignFile(relative) }
    let copy = unsafe cmsr_clone_mount(file.number, "")
    guard copy.error == 0 else { throw .noFolder(path, errno: copy.error) }
    let mount = Descriptor(owning: copy.descriptor)
    let error = cmsr_attach_mount(mount.number, place.number)
    guard error == 0 else { throw .noFolder(path, errno: error) }
  }

  /// O_PATH | O_NOFOLLOW | O_CLOEXEC: to name a file, not to read it. The C library hides O_PATH from Swift.
  private static let pathOnly: Int32 = 0o10000000 | O_NOFOLLOW | O_CLOEXEC
}
