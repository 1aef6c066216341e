// Unix stream sockets: binding without a race, and the rights with which a socket file is made.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <linux/stat.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

struct cmsr_descriptor {
	int descriptor; // -1 unless error is 0
	int error;
};

// What a call that gives a descriptor, or -1 and errno, has given.
static inline struct cmsr_descriptor cmsr_descriptor_of(long result)
{
	struct cmsr_descriptor descriptor = {(int)result, result < 0 ? errno : 0};
	return descriptor;
}

// Opens a Unix stream socket, close-on-exec.
static inline struct cmsr_descriptor cmsr_unix_socket(void)
{
	return cmsr_descriptor_of(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

// Fills an address; ENAMETOOLONG if path does not fit sun_path with its terminating zero.
static inline int cmsr_unix_address(const char *path, struct sockaddr_un *address)
{
	size_t length = strlen(path);
	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	if (length >= sizeof address->sun_path)
		return ENAMETOOLONG;
	memcpy(address->sun_path, path, length);
	return 0;
}

// Connects to path. While the listener's backlog is full it blocks, or for as long as SO_SNDTIMEO says: EAGAIN then.
static inline int cmsr_connect(int descriptor, const char *path)
{
	struct sockaddr_un address;
	int error = cmsr_unix_address(path, &address);
	if (error != 0)
		return error;
	return connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
}

// Whether somebody listens at path: 0 or EAGAIN (backlog full) if so, ECONNREFUSED if its listener is gone. Never waits.
static inline int cmsr_probe(const char *path)
{
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (descriptor < 0)
		return errno;
	int error = cmsr_connect(descriptor, path);
	close(descriptor);
	return error;
}

// Binds to name inside the directory that folder refers to, however long that directory's path is. Needs /proc. The
// file has this mode from its first moment (unix_bind_bsd: the socket's own mode, less the umask), so that nobody has to change
// it by its name later, when the name may belong to another file.
static inline int cmsr_bind_at(int descriptor, int folder, const char *name, mode_t mode)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct sockaddr_un address;
	int length = snprintf(path, sizeof path, "/proc/self/fd/%d/%s", folder, name);
	if (length < 0 || (size_t)length >= sizeof path)
		return ENAMETOOLONG;
	int error = cmsr_unix_address(path, &address);
	if (error != 0)
		return error;
	if (fchmod(descriptor, mode) != 0)
		return errno;
	// The umask is the whole process's: no other thread of the service creates files.
	mode_t mask = umask(0);
	error = bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
	umask(mask);
	return error;
}

// Opens a folder as a place to name files in, not to read. O_PATH itself is declared under _GNU_SOURCE only.
static inline struct cmsr_descriptor cmsr_open_folder(const char *path)
{
	return cmsr_descriptor_of(open(path, __O_PATH | O_DIRECTORY | O_CLOEXEC));
}

// The same for whatever is at a path, a symbolic link itself included.
static inline struct cmsr_descriptor cmsr_open_place(const char *path)
{
	return cmsr_descriptor_of(open(path, __O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

// Listens; calling it again on a listening socket changes the backlog.
static inline int cmsr_listen(int descriptor, int backlog) { return listen(descriptor, backlog) == 0 ? 0 : errno; }

// Takes the next connection that waits, close-on-exec and non-blocking; EAGAIN if none does.
static inline struct cmsr_descriptor cmsr_accept(int listener)
{
	long descriptor;
	do
		// accept4, which glibc declares under _GNU_SOURCE only.
		descriptor = syscall(SYS_accept4, listener, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
	while (descriptor < 0 && errno == EINTR);
	return cmsr_descriptor_of(descriptor);
}

// A second descriptor of the same socket, close-on-exec.
static inline struct cmsr_descriptor cmsr_duplicate(int descriptor)
{
	return cmsr_descriptor_of(fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
}

// Closes a descriptor; on Linux it is closed even if close(2) reports an error.
static inline void cmsr_close(int descriptor) { close(descriptor); }

// renameat2(2) inside one directory. RENAME_NOREPLACE: the new name must not exist yet (EEXIST). RENAME_EXCHANGE: swaps two names in
// one step, so that nobody ever finds either missing.
static inline int cmsr_rename(int folder, const char *from, const char *to, int flags)
{
	return syscall(SYS_renameat2, folder, from, folder, to, flags) == 0 ? 0 : errno;
}

struct cmsr_file {
	uint64_t device, inode; // together they identify the file
	uint32_t mode;          // type and permissions, as in stat(2)
	uint32_t owner;         // user id
	int error;
};

static inline struct cmsr_file cmsr_file_of(int result, const struct stat *status)
{
	if (result != 0)
		return (struct cmsr_file){.error = errno};
	return (struct cmsr_file){
		.device = status->st_dev, .inode = status->st_ino, .mode = status->st_mode, .owner = status->st_uid};
}

// What name in folder is, without following a symbolic link.
static inline struct cmsr_file cmsr_file_at(int folder, const char *name)
{
	struct stat status;
	return cmsr_file_of(fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW), &status);
}

// What an open descriptor is.
static inline struct cmsr_file cmsr_file_behind(int descriptor)
{
	struct stat status;
	return cmsr_file_of(fstat(descriptor, &status), &status);
}

// The same as the kernel knows it: the file system is not asked, because it may be one whose server hangs. Linux 4.11; where
// there is no statx, it is asked.
static inline struct cmsr_file cmsr_known_file_behind(int descriptor)
{
	struct statx status;
	if (syscall(SYS_statx, descriptor, "", 0x1000 /* AT_EMPTY_PATH */ | 0x4000 /* AT_STATX_DONT_SYNC */, STATX_BASIC_STATS,
		    &status) != 0)
		return errno == ENOSYS || errno == EPERM ? cmsr_file_behind(descriptor) : cmsr_file_of(-1, 0);
	struct cmsr_file file = {makedev(status.stx_dev_major, status.stx_dev_minor), status.stx_ino, status.stx_mode,
				 status.stx_uid, 0};
	return file;
}

// The file that a socket was bound to, even if it was renamed: as the kernel knows it (SIOCUNIXFILE, Linux 4.12), which
// takes CAP_NET_ADMIN; otherwise an error. <linux/un.h> defines SIOCUNIXFILE as SIOCPROTOPRIVATE + 0, but also sockaddr_un again.
static inline struct cmsr_file cmsr_bound_file(int descriptor)
{
	int path = ioctl(descriptor, SIOCPROTOPRIVATE /* SIOCUNIXFILE */);
	if (path < 0)
		return cmsr_file_of(-1, 0);
	struct cmsr_file file = cmsr_file_behind(path);
	close(path);
	return file;
}

// Makes this thread look like another user to file systems: what it creates is that user's, and it may do there what that
// user may (setfsuid(2); root loses its power over files by it, and has it again once it is root again). 0, or EPERM.
static inline int cmsr_act_as(uid_t user, gid_t group)
{
	// Neither says whether it worked; asked for an impossible id they give the present one.
	syscall(SYS_setfsgid, group);
	syscall(SYS_setfsuid, user);
	return (uid_t)syscall(SYS_setfsuid, -1) == user && (gid_t)syscall(SYS_setfsgid, -1) == group ? 0 : EPERM;
}
