// The process's file descriptors.
#pragma once

#include <errno.h>
#include <fcntl.h>
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

// Opens /dev/null where stdin, stdout or stderr is closed: else a socket would get that number, and the log's text.
static inline int cmsr_fill_standard_descriptors(void)
{
	int descriptor;
	do
		descriptor = open("/dev/null", O_RDWR);
	while (descriptor >= 0 && descriptor <= 2);
	if (descriptor < 0)
		return errno;
	close(descriptor);
	return 0;
}
