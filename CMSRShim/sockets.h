// Unix stream sockets: binding without a race, and sending a line whole or not at all.
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

struct cmsr_descriptor {
	int descriptor; // -1 where error is not 0
	int error;
};

// Opens a Unix stream socket, close-on-exec.
static inline struct cmsr_descriptor cmsr_unix_socket(void)
{
	struct cmsr_descriptor result = {socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), 0};
	if (result.descriptor < 0)
		result.error = errno;
	return result;
}

// Fills an address; ENAMETOOLONG where path does not fit sun_path with its terminating zero.
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

// Binds to name inside the directory that folder refers to, whatever the length of that directory's path. Needs /proc.
static inline int cmsr_bind_at(int descriptor, int folder, const char *name)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct sockaddr_un address;
	int length = snprintf(path, sizeof path, "/proc/self/fd/%d/%s", folder, name);
	if (length < 0 || (size_t)length >= sizeof path)
		return ENAMETOOLONG;
	int error = cmsr_unix_address(path, &address);
	if (error != 0)
		return error;
	return bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
}

// Opens a folder as a place to name files in, not to read.
static inline struct cmsr_descriptor cmsr_open_folder(const char *path)
{
	struct cmsr_descriptor result = {open(path, 010000000 /* O_PATH */ | O_DIRECTORY | O_CLOEXEC), 0};
	if (result.descriptor < 0)
		result.error = errno;
	return result;
}

// Listens; calling it again on a listening socket changes the backlog.
static inline int cmsr_listen(int descriptor, int backlog) { return listen(descriptor, backlog) == 0 ? 0 : errno; }

// renameat2(2) inside one directory: gives `from` the name `to`, which must not exist yet (EEXIST).
static inline int cmsr_rename_new(int folder, const char *from, const char *to)
{
	return syscall(SYS_renameat2, folder, from, folder, to, 1u /* RENAME_NOREPLACE */) == 0 ? 0 : errno;
}

// renameat2(2) inside one directory: swaps two names in one step, so that nobody ever finds either missing.
static inline int cmsr_rename_exchange(int folder, const char *one, const char *other)
{
	return syscall(SYS_renameat2, folder, one, folder, other, 2u /* RENAME_EXCHANGE */) == 0 ? 0 : errno;
}

struct cmsr_file {
	uint64_t device, inode; // together they identify the file
	uint32_t mode;          // type and permissions, as in stat(2)
	int error;
};

// What name in folder is, without following a symbolic link.
static inline struct cmsr_file cmsr_file_at(int folder, const char *name)
{
	struct stat status;
	struct cmsr_file file = {0, 0, 0, 0};
	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
		file.error = errno;
		return file;
	}
	file.device = status.st_dev;
	file.inode = status.st_ino;
	file.mode = status.st_mode;
	return file;
}

// Sends without waiting. On a Unix stream socket a message this small (one page at most) goes whole or not at all:
// EAGAIN where the receiver has not read its earlier ones.
static inline int cmsr_send_line(int descriptor, const void *bytes, size_t count)
{
	ssize_t sent;
	do
		sent = send(descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno;
	return (size_t)sent == count ? 0 : EMSGSIZE;
}
