// File descriptor limits.
#pragma once

#include <errno.h>
#include <sys/resource.h>

// Raises the soft limit on open files to the hard one. No privilege needed.
static inline int cmsr_raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return errno;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? 0 : errno;
}
