internal import Glibc
internal import SystemCalls

/// Why a powercap tree cannot be put somewhere.
public enum TreeError: Error, Equatable {
  /// The program that serves it is not there.
  case noProgram(install: String)
  /// The program that serves it cannot be started.
  case noProcess(errno: Int32)
  /// The program that serves it has ended, and said why.
  case notServed(String)
  /// The system allows this user no namespace of its own, or no mounts in it.
  case noNamespace(errno: Int32)
  /// There is no /dev/fuse, or it cannot be used.
  case noFUSE(errno: Int32)
  /// The kernel cannot mount the file system.
  case noMount(errno: Int32)
  /// A folder that the tree is to be mounted on cannot be used.
  case noFolder(String, errno: Int32)
  /// A folder that the tree is to be mounted on is a symbolic link.
  case link(String)
  /// A folder that the tree is to be mounted on has one already.
  case mountedAlready(String)
  /// Root is to mount on another user's folder.
  case foreignFolder(String)
  /// A user other than root is to mount on a folder that is not theirs, or that they may not write to.
  case notOwnFolder(String, isOthers: Bool)
  /// A user of the system that root would become is missing.
  case noUser(String)
  /// A step of the unit that is taken by hand.
  case noUnit
  /// A step of the unit that is not taken by root.
  case notRoot
  /// Something else is mounted on the folder of the unit's tree.
  case occupied(String)
  /// The unit's tree is not mounted.
  case notMounted(String)
  /// The server of the unit cannot be reached.
  case noServer(String, errno: Int32)
  /// Another process is in the place of the unit's server.
  case foreignServer(String)
  /// A file is not the one that is to be covered, or to cover it.
  case foreignFile(String)
  /// The table of mounts cannot be read.
  case noMountTable(errno: Int32)
  /// A mount or a folder cannot be taken away.
  case noRemoval(String, errno: Int32)
  /// Signals cannot be handled.
  case noSignals(errno: Int32)
}

extension TreeError: CustomStringConvertible {
  /// What failed, on what, why, and what to do.
  public var description: String {
    switch self {
    case .noProgram(let install): "The program that serves the powercap tree is not installed. \(install)"
    case .noProcess(let errno): "Cannot start the program that serves the powercap tree: \(errorText(errno))."
    case .notServed(let reason): reason
    case .noNamespace(let errno):
      "This system does not let ordinary users make namespaces (\(errorText(errno))). The reason is AppArmor "
        + "(kernel.apparmor_restrict_unprivileged_userns), a sysctl (user.max_user_namespaces, kernel.unprivileged_userns_clone) "
        + "or a container. Root can mount the tree for everyone instead: sudo pkg-watt-stat powercap DIR"
    case .noFUSE(ENOENT), .noFUSE(ENODEV), .noFUSE(ENXIO):
      "There is no /dev/fuse. Load the kernel's module: sudo modprobe fuse. A container has to be given the device."
    case .noFUSE(let errno): "Cannot open /dev/fuse: \(errorText(errno))."
    case .noMount(let errno):
      "Cannot mount the powercap tree: \(errorText(errno))."
        + (errno == ENOSYS || errno == EINVAL ? " It needs Linux 5.4 or newer." : "")
    case .noFolder(let path, ENOENT):
      "Cannot mount the powercap tree on \(path): it does not exist. Create the folder first."
    case .noFolder(let path, let errno): "Cannot mount the powercap tree on \(path): \(errorText(errno))."
    case .link(let path): "\(path) is a symbolic link. Name the folder itself."
    case .mountedAlready(let path):
      "A powercap tree is mounted on \(path) already. End the command that has mounted it."
    case .foreignFolder(let path):
      "\(path) belongs to another user, who could move it away. Choose a folder that belongs to root."
    case .notOwnFolder(let path, let isOthers):
      "Cannot mount the powercap tree on \(path): \(isOthers ? "it belongs to another user" : "you may not write to it"). Choose a "
        + "folder of your own that you may write to, or mount it as root, for "
        + "everyone: sudo pkg-watt-stat powercap \(path)"
    case .noUser(let name):
      "The user \(name) does not exist, and root serves the tree only as that user. Start it as an ordinary user."
    case .noUnit:
      "This is a step of pkg-watt-stat-powercap.service. Start that: sudo systemctl start pkg-watt-stat-powercap.service"
    case .notRoot:
      "Only root can mount the powercap tree for everyone: sudo systemctl start pkg-watt-stat-powercap.service"
    case .occupied(let path): "Something else is mounted on \(path). Unmount it: sudo umount \(path)"
    case .notMounted(let path):
      "There is no powercap tree in \(path). Start its service: sudo systemctl start pkg-watt-stat-powercap.service"
    case .noServer(let path, let errno):
      "Cannot reach the program that serves the powercap tree at \(path): \(errorText(errno))."
    case .foreignServer(let path): "Another process than the service's own listens at \(path)."
    case .foreignFile(let path): "\(path) is not a file of the kernel's or of the powercap tree's, so it is left alone."
    case .noMountTable(let errno): "Cannot read /proc/self/mountinfo: \(errorText(errno))."
    case .noRemoval(let path, let errno):
      "Cannot take the powercap tree away from \(path): \(errorText(errno)). Unmount it by hand: sudo umount -l \(path)"
    case .noSignals(let errno): "Cannot set up signal handling: \(errorText(errno))."
    }
  }
}
