internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// A powercap tree that only one command and its children see: in the kernel's place, in namespaces of their own.
public enum PrivateTree {
  private static let classes = "/sys/class"
  /// Where the links of /sys/class/powercap lead to.
  private static let devices = "/sys/devices/virtual"
  private static let name = "powercap"

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
    let place = folder(in: classes)
    guard place.error == 0 else { throw .noFolder("\(classes)/\(name)", errno: place.error) }
    try tree.attach(to: Descriptor(owning: place.descriptor), "\(classes)/\(name)")
    // Some programs read it only there. A /sys without such a folder is not the kernel's own.
    let realPlace = folder(in: devices)
    if realPlace.error == 0 {
      try tree.attachAgain(to: Descriptor(owning: realPlace.descriptor), "\(devices)/\(name)")
    } else if realPlace.error != ENOENT {
      throw .noFolder("\(devices)/\(name)", errno: realPlace.error)
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

  /// Powercap's folder in another one. If the kernel has none there, that one is put together anew, with a folder for it.
  private static func folder(in parent: String) -> cmsr_descriptor {
    let folder = unsafe cmsr_open_folder("\(parent)/\(name)")
    return folder.error == ENOENT ? unsafe cmsr_add_folder(parent, name) : folder
  }
}
