internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// A powercap tree that only one command and its children see: in the kernel's place, in namespaces of their own.
public enum PrivateTree {
  private static let classes = "/sys/class"
  private static let name = "powercap"
  /// Where /sys/class/powercap leads to.
  private static let realPlace = "/sys/devices/virtual/powercap"

  /// Puts this process, which must have one thread, into namespaces in which the tree stands in the kernel's place.
  ///
  /// Everything goes away with the last process in them.
  ///
  /// - Parameter socket: the path of the service's socket, if the user has named one.
  /// - Returns: what the user should know, in sentences.
  public static func enter(_ program: TreeProgram, socket: String?) throws(TreeError) -> [String] {
    // Before the namespaces: there, the user who serves at the socket is hidden. It does not keep them alive either.
    let server = try TreeServer(program, socket: socket, .detached)
    try leaveNamespaces()
    let tree: FuseMount
    do throws(TreeError) {
      tree = try FuseMount()
    } catch .noMount(let errno) where errno == EPERM || errno == EACCES {
      throw .noNamespace(errno: errno)
    }
    let realFolder = open(realPlace)
    try tree.attach(to: try classFolder(), "\(classes)/\(name)")
    if realFolder.error == 0 {
      try tree.attachAgain(to: Descriptor(owning: realFolder.descriptor), realPlace)
    } else if realFolder.error != ENOENT {
      throw .noFolder(realPlace, errno: realFolder.error)
    }
    return try server.serve(tree.connection)
  }

  /// Leaves the namespaces of mounts, and for a user who may not mount anything that of users.
  private static func leaveNamespaces() throws(TreeError) {
    let (user, group) = (geteuid(), getegid())
    // Real root keeps its rights.
    var error = user == 0 ? cmsr_leave_namespaces(0) : EPERM
    if error == EPERM {
      error = cmsr_leave_namespaces(1)
      if error == 0 { error = cmsr_keep_own_numbers(user, group) }
    }
    if error == 0 { error = cmsr_make_mounts_slaves() }
    guard error == 0 else { throw .noNamespace(errno: error) }
  }

  /// The folder of powercap's class. Without the class, /sys/class is put together anew, with a folder for it.
  private static func classFolder() throws(TreeError) -> Descriptor {
    let path = "\(classes)/\(name)"
    var folder = open(path)
    if folder.error == ENOENT { folder = unsafe cmsr_add_folder(classes, name) }
    guard folder.error == 0 else { throw .noFolder(path, errno: folder.error) }
    return Descriptor(owning: folder.descriptor)
  }

  private static func open(_ path: String) -> cmsr_descriptor { unsafe cmsr_open_folder(path) }
}
