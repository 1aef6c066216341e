internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// A FUSE file system that is mounted by descriptor: no path that somebody could change in between is used twice.
struct FuseMount: ~Copyable {
  let connection: Descriptor
  let mount: Descriptor

  /// Makes the file system. It is attached nowhere yet, and its server is not asked for anything.
  init() throws(TreeError) {
    let opened = cmsr_open_fuse()
    guard opened.error == 0 else { throw .noFUSE(errno: opened.error) }
    let connection = Descriptor(owning: opened.descriptor)
    let made = cmsr_new_fuse_mount(connection.number, geteuid(), getegid())
    guard made.error == 0 else { throw .noMount(errno: made.error) }
    self.connection = connection
    mount = Descriptor(owning: made.descriptor)
  }

  /// Attaches it to a folder that is open.
  func attach(to folder: borrowing Descriptor, _ path: String) throws(TreeError) {
    let error = cmsr_attach_mount(mount.number, folder.number)
    guard error == 0 else { throw .noFolder(path, errno: error) }
  }

  /// Attaches it, which is attached elsewhere already, to another folder that is open.
  func attachAgain(to folder: borrowing Descriptor, _ path: String) throws(TreeError) {
    let copy = unsafe cmsr_clone_mount(mount.number, "")
    guard copy.error == 0 else { throw .noFolder(path, errno: copy.error) }
    let second = Descriptor(owning: copy.descriptor)
    let error = cmsr_attach_mount(second.number, folder.number)
    guard error == 0 else { throw .noFolder(path, errno: error) }
  }
}
