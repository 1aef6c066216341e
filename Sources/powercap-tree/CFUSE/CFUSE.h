// libfuse 3's low-level interface, see fuse_lowlevel.h for each operation's contract, and the few system calls that Swift's Glibc
// module lacks.
#pragma once

#define FUSE_USE_VERSION 35
#include <errno.h>
#include <fuse3/fuse_lowlevel.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

// CLOCK_MONOTONIC in seconds: the clock of the service's samples.
static inline double ctree_monotonic_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// A descriptor that ctree_wake makes readable and ctree_sleep waits for. -1 on failure.
static inline int ctree_alarm(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

// The counter cannot overflow: ctree_quieten sets it back before each wait.
static inline void ctree_wake(int alarm) { eventfd_write(alarm, 1); }

static inline void ctree_quieten(int alarm)
{
	eventfd_t value;
	eventfd_read(alarm, &value);
}

static inline void ctree_sleep(int alarm)
{
	struct pollfd polled = {alarm, POLLIN, 0};
	while (poll(&polled, 1, -1) < 0 && errno == EINTR)
		;
	ctree_quieten(alarm);
}

// The signals that end this program; blocked from here on, in every thread, and read by ctree_serve. SIGPIPE is ignored.
static inline int ctree_block_ending_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return errno;
	return pthread_sigmask(SIG_BLOCK, set, NULL);
}

// A second thread, which never ends. 0, or an errno value.
static inline int ctree_start_thread(void *(*body)(void *))
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, body, NULL);
	return error != 0 ? error : pthread_detach(thread);
}

// A session that is not mounted yet; NULL after libfuse has said why on stderr.
static inline struct fuse_session *ctree_session(const struct fuse_lowlevel_ops *operations, const char *options)
{
	char *words[] = {(char *)"powercap-tree", (char *)"-o", (char *)options, NULL}; // libfuse copies them
	struct fuse_args arguments = FUSE_ARGS_INIT(3, words);
	struct fuse_session *session = fuse_session_new(&arguments, operations, sizeof *operations, NULL);
	fuse_opt_free_args(&arguments);
	return session;
}

// Serves until a signal or the file system's end: 0, or an errno value. libfuse's own loop misses a signal that arrives between
// its check and its read.
static inline int ctree_serve(struct fuse_session *session, const sigset_t *set)
{
	int signals = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return errno;
	struct fuse_buf buffer;
	memset(&buffer, 0, sizeof buffer);
	int result = 0;
	while (!fuse_session_exited(session)) {
		struct pollfd polled[2] = {{fuse_session_fd(session), POLLIN, 0}, {signals, POLLIN, 0}};
		if (poll(polled, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			result = errno;
			break;
		}
		if (polled[1].revents != 0)
			break;
		int size = fuse_session_receive_buf(session, &buffer);
		if (size == -EINTR || size == -EAGAIN)
			continue;
		if (size <= 0) {
			// 0: the session has ended. ENODEV: it was unmounted.
			result = size == 0 || size == -ENODEV ? 0 : -size;
			break;
		}
		fuse_session_process_buf(session, &buffer);
	}
	free(buffer.mem);
	close(signals);
	return result;
}

// Attributes of a file that never changes, but for the numbers in it.
static inline struct stat ctree_attributes(uint64_t inode, mode_t mode, uid_t owner, gid_t group, off_t size)
{
	struct stat attributes;
	memset(&attributes, 0, sizeof attributes);
	attributes.st_ino = inode;
	attributes.st_mode = mode;
	attributes.st_nlink = 1;
	attributes.st_uid = owner;
	attributes.st_gid = group;
	attributes.st_size = size;
	return attributes;
}

// How long the kernel may keep names and attributes: they never change.
static const double ctree_keep_seconds = 3600;

static inline void ctree_reply_entry(fuse_req_t request, struct stat attributes)
{
	struct fuse_entry_param entry;
	memset(&entry, 0, sizeof entry);
	entry.ino = attributes.st_ino;
	entry.attr = attributes;
	entry.attr_timeout = entry.entry_timeout = ctree_keep_seconds;
	fuse_reply_entry(request, &entry);
}

static inline void ctree_reply_attributes(fuse_req_t request, struct stat attributes)
{
	fuse_reply_attr(request, &attributes, ctree_keep_seconds);
}

// An open file, which the kernel neither caches nor reads ahead: each read arrives as it is.
static inline int ctree_reply_open(fuse_req_t request, uint64_t handle)
{
	struct fuse_file_info file;
	memset(&file, 0, sizeof file);
	file.fh = handle;
	file.direct_io = 1;
	return fuse_reply_open(request, &file);
}

static inline uint64_t ctree_handle(const struct fuse_file_info *file) { return file == NULL ? 0 : file->fh; }
static inline int ctree_wants_to_write(const struct fuse_file_info *file)
{
	return file == NULL || (file->flags & O_ACCMODE) != O_RDONLY;
}
