internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// A powercap tree that is mounted on a folder, for everyone, by root.
public struct SharedTree {
  private let server: pid_t
  private let unmounter: cmsr_helper
  /// What the user should know, in sentences.
  public let warnings: [String]

  /// Mounts it. From here on signals that end this process are waited for.
  ///
  /// It is taken away again in any case, also if this process is killed.
  public init(_ program: TreeProgram, on path: String, socket: String?) throws(TreeError) {
    let folder = try Self.folder(path)
    guard cmsr_file_behind(folder.number).owner == geteuid() else { throw .foreignFolder(path) }
    guard !PowercapMark.marks(folder) else { throw .mountedAlready(path) }
    let blocked = cmsr_block_signals_of_helpers()
    guard blocked == 0 else { throw .noSignals(errno: blocked) }
    let server = try TreeServer(program, socket: socket, .child)
    let tree = try FuseMount()
    try tree.attach(to: folder, path)
    let unmounter = cmsr_start_unmounter(tree.mount.number)
    guard unmounter.error == 0 else {
      _ = cmsr_detach_mount(tree.mount.number)
      throw .noProcess(errno: unmounter.error)
    }
    self.server = server.process
    self.unmounter = unmounter
    do throws(TreeError) {
      warnings = try server.serve(tree.connection)
    } catch {
      cmsr_close(unmounter.channel)
      _ = cmsr_wait_for(unmounter.process)
      throw error
    }
  }

  /// Waits for a signal that ends this process, or for the server's end, and takes the tree away.
  ///
  /// - Throws: `TreeError.notServed` if the server has failed, or the tree could not be taken away.
  public func wait(on path: String) throws(TreeError) {
    let signal = cmsr_wait_for_helper_signal()
    cmsr_close(unmounter.channel)
    let left = cmsr_wait_for(unmounter.process)
    // It ends by itself once its tree is gone, which somebody who still has a file of it open can delay, or who has stopped it. It has
    // nothing to lose.
    kill(server, SIGKILL)
    let code = cmsr_wait_for(server)
    guard left == 0 else { throw .notServed("Cannot unmount \(path). Unmount it by hand: sudo umount -l \(path)") }
    guard signal != SIGCHLD || code == 0 else {
      throw .notServed("The program that serves the powercap tree has ended unexpectedly (exit code \(code)).")
    }
  }

  /// Opens a folder to mount on.
  ///
  /// - Throws: `TreeError.link` for a symbolic link.
  static func folder(_ path: String) throws(TreeError) -> Descriptor {
    let found = unsafe cmsr_open_place(path)
    guard found.error == 0 else { throw .noFolder(path, errno: found.error) }
    let folder = Descriptor(owning: found.descriptor)
    switch cmsr_file_behind(folder.number).mode & S_IFMT {
    case S_IFDIR: return folder
    case S_IFLNK: throw .link(path)
    default: throw .noFolder(path, errno: ENOTDIR)
    }
  }
}

/// A powercap tree that is mounted on a user's folder, for this user.
public enum OwnTree {
  /// Puts the program that serves it in this process's place. It mounts by fusermount3(1), which is libfuse's own way, and unmounts
  /// when it ends.
  ///
  /// - Throws: only if that is impossible.
  public static func execute(_ program: TreeProgram, on path: String, socket: String?) throws -> Never {
    let folder = try SharedTree.folder(path)
    let file = cmsr_file_behind(folder.number)
    // As fusermount3 decides.
    let isOthers = file.owner != geteuid()
    let canWrite = unsafe access(path, W_OK) == 0
    guard canWrite, !isOthers || file.mode & S_ISVTX == 0 else {
      throw TreeError.notOwnFolder(path, isOthers: isOthers)
    }
    let words = [program.path] + (socket.map { ["--socket", $0] } ?? []) + ["--", path]
    try CommandWords(words).execute()
  }
}
