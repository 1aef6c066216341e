// The process's file descriptors.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

// Raises the soft limit on open files to the hard one. No privilege needed.
static inline int cmsr_raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return errno;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? 0 : errno;
}

// How many files this process may have open.
static inline int64_t cmsr_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT32_MAX)
		return INT32_MAX;
	return (int64_t)limit.rlim_cur;
}

// Opens /dev/null, close-on-exec, where stdin, stdout or stderr is closed: else a socket would get that number, and the
// output's or the log's text. Not to write to in place of stdout: what was to be written there would be lost, and nobody
// told. A command that is run finds them closed as before. 0, or what went wrong.
static inline int cmsr_fill_standard_descriptors(void)
{
	for (int number = 0; number <= 2; number++)
		if (fcntl(number, F_GETFD) < 0
		    && open("/dev/null", (number == STDOUT_FILENO ? O_RDONLY : O_RDWR) | O_CLOEXEC) < 0)
			return errno;
	return 0;
}
