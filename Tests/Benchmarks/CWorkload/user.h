// What one user's programs share that load the service.
#pragma once

#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static inline void fail(const char *what)
{
	perror(what);
	exit(1);
}

static inline int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// A process of root's becomes the user nobody.
static inline void leave_root(void)
{
	enum { nobody = 65534 };
	if (getuid() != 0)
		return;
	if (setgroups(0, 0) != 0 || setgid(nobody) != 0 || setuid(nobody) != 0)
		fail("become nobody");
}
