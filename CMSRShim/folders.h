// Files below a folder that stands for /.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

// What cmsr_open_in_root does if the kernel (before 5.6), a container or valgrind has no openat2: no link is followed at all
// (ELOOP), and ".." is refused (EXDEV).
static inline int cmsr_open_in_root_without_links(int folder, const char *path, int flags)
{
	int current = dup(folder);
	while (current >= 0) {
		char name[256];
		path += strspn(path, "/");
		size_t length = strcspn(path, "/");
		if (length >= sizeof name) {
			close(current);
			return -ENAMETOOLONG;
		}
		memcpy(name, length == 0 ? "." : path, length == 0 ? 1 : length);
		name[length == 0 ? 1 : length] = 0;
		path += length;
		int isLast = path[strspn(path, "/")] == 0;
		if (strcmp(name, "..") == 0) {
			close(current);
			return -EXDEV;
		}
		int next = openat(current, name, isLast ? flags | O_NOFOLLOW : O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int error = errno;
		close(current);
		if (next < 0)
			return -error;
		if (isLast) {
			// O_PATH opens a link itself.
			struct stat found;
			if (fstat(next, &found) == 0 && !S_ISLNK(found.st_mode))
				return next;
			close(next);
			return -ELOOP;
		}
		current = next;
	}
	return -errno;
}

// Opens a file below an open folder as if that folder were /: neither a symbolic link nor ".." leads out of it, and the links
// of /proc/PID/fd lead nowhere. Source: openat2(2), RESOLVE_IN_ROOT; Linux 5.6. Glibc has no wrapper before 2.42.
// The descriptor, or an errno value as a negative number.
static inline int cmsr_open_in_root(int folder, const char *path, int flags)
{
	struct open_how how = {.flags = (uint64_t)(unsigned)flags, .resolve = RESOLVE_IN_ROOT};
	// With ".." in the path, a rename anywhere at the same time is EAGAIN; the next try succeeds.
	for (int tries = 0;; tries++) {
		long descriptor = syscall(SYS_openat2, folder, path, &how, sizeof how);
		if (descriptor >= 0)
			return (int)descriptor;
		if (errno == ENOSYS)
			return cmsr_open_in_root_without_links(folder, path, flags);
		if (errno != EINTR && (errno != EAGAIN || tries >= 100))
			return -errno;
	}
}

// Whether an open file has an extended attribute: 1, or 0, also if its file system has none at all. The descriptor may be one that
// only names a place (O_PATH), for which fgetxattr fails.
static inline int cmsr_has_attribute(int descriptor, const char *name)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
	return getxattr(path, name, 0, 0) >= 0;
}
