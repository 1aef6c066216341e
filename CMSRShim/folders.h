// Files below a folder that stands for /.
#pragma once

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437 // The same on every architecture.
#endif

// Opens a file below an open folder as if that folder were /: neither a symbolic link nor ".." leads out of it, and the links
// of /proc/PID/fd lead nowhere. Source: openat2(2), RESOLVE_IN_ROOT; Linux 5.6. Glibc has no wrapper before 2.42.
// The descriptor, or an errno value as a negative number: ENOSYS from an older kernel.
static inline int cmsr_open_in_root(int folder, const char *path, int flags)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = {.flags = (uint64_t)(unsigned)flags, .resolve = 0x10};
	// With ".." in the path, a file that is renamed anywhere meanwhile is worth another try.
	for (int tries = 0;; tries++) {
		long descriptor = syscall(SYS_openat2, folder, path, &how, sizeof how);
		if (descriptor >= 0)
			return (int)descriptor;
		if (errno != EINTR && (errno != EAGAIN || tries >= 100))
			return -errno;
	}
}
