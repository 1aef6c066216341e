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

// Opens /dev/null in place of stdin, stdout or stderr if one is closed: otherwise a socket would get that number, and with it
// the text of the output or the log. In place of stdout it is opened to read only, so that writing there is an error rather
// than text that is lost without a word. Close-on-exec: a command that is run finds them closed as before. 0, or an errno value.
static inline int cmsr_fill_standard_descriptors(void)
{
	for (int number = 0; number <= 2; number++)
		if (fcntl(number, F_GETFD) < 0
		    && open("/dev/null", (number == STDOUT_FILENO ? O_RDONLY : O_RDWR) | O_CLOEXEC) < 0)
			return errno;
	return 0;
}
