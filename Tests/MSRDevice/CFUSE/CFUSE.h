// libfuse 3, see fuse.h for each operation's contract.
#pragma once

#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse3/fuse.h>
#include <signal.h>

// fuse_main, which is a macro in some versions of libfuse and something else in others: Swift sees neither.
static inline int cfuse_main(int count, char **arguments, const struct fuse_operations *operations)
{
	return fuse_main(count, arguments, operations, NULL);
}

// Lets SIGTERM and SIGINT through. A test's thread has them blocked, its children inherit that, and a device that cannot
// be ended stays mounted. 0, or an errno value.
static inline int cfuse_unblock_ending_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	return sigprocmask(SIG_UNBLOCK, &set, NULL) == 0 ? 0 : errno;
}
