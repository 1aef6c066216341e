// libfuse 3, see fuse.h for each operation's contract.
#pragma once

#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse3/fuse.h>
#include <signal.h>

// Mounts, serves on this thread until a signal or an unmount, and unmounts. libfuse's own fuse_main calls an end by a signal
// a failure, and a failure to mount goes to stderr. 0, or an exit status.
static inline int cfuse_serve(const char *mount_point, const struct fuse_operations *operations)
{
	char *words[] = {"msr-device", "-o", "allow_other,attr_timeout=0,fsname=msr-device,subtype=msr-device", NULL};
	struct fuse_args arguments = FUSE_ARGS_INIT(3, words);
	int result = 1;
	struct fuse *fuse = fuse_new(&arguments, operations, sizeof *operations, NULL);
	if (fuse != NULL && fuse_mount(fuse, mount_point) == 0) {
		if (fuse_set_signal_handlers(fuse_get_session(fuse)) == 0) {
			// More than 0 is the signal that ended it.
			result = fuse_loop(fuse) < 0;
			fuse_remove_signal_handlers(fuse_get_session(fuse));
		}
		fuse_unmount(fuse);
	}
	if (fuse != NULL)
		fuse_destroy(fuse);
	fuse_opt_free_args(&arguments);
	return result;
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
