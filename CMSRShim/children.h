// What turbostat asks of the system beyond CAP_SYS_RAWIO, granted to it in advance by a parent that still may.
#pragma once

#include <errno.h>
#include <stdint.h>
#include <sys/resource.h>

// What turbostat sets its own limit on open files to (MAX_NOFILE in its source).
static const uint64_t cmsr_turbostat_descriptors = 32768;

// Raises the hard limit on open files to at least this many: EPERM without CAP_SYS_RESOURCE.
static inline int cmsr_raise_hard_descriptor_limit(uint64_t least)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return errno;
	if (limit.rlim_max >= least)
		return 0;
	limit.rlim_max = least;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? 0 : errno;
}

// Makes setpriority(2) to -20, which turbostat insists on, possible for a child without CAP_SYS_NICE: by the limit on nice
// values (which takes CAP_SYS_RESOURCE), else by having that priority already (CAP_SYS_NICE). EACCES without either.
static inline int cmsr_grant_highest_priority(void)
{
	// 20 - 40 = -20, see setrlimit(2).
	struct rlimit limit = {40, 40};
	if (setrlimit(RLIMIT_NICE, &limit) == 0)
		return 0;
	return setpriority(PRIO_PROCESS, 0, -20) == 0 ? 0 : errno;
}
