// libfuse 3's low-level interface, see fuse_lowlevel.h for each operation's contract, and the few system calls that Swift's Glibc
// module lacks.
#pragma once

#define FUSE_USE_VERSION 35
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
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

// Listens at a path in a folder of this process's own: a descriptor, or an errno value as a negative number.
static inline int ctree_listen(const char *path)
{
	struct sockaddr_un address;
	memset(&address, 0, sizeof address);
	address.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener < 0)
		return -errno;
	unlink(path); // what a process that was killed has left
	if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1) != 0) {
		int error = errno;
		close(listener);
		return -error;
	}
	return listener;
}

struct ctree_handed {
	int connection, channel; // the FUSE connection, and where to answer
	int error;               // EINTR: a signal ends this program
};

// Waits until root hands over a FUSE connection, and closes the listener.
static inline struct ctree_handed ctree_take_connection(int listener, const sigset_t *set)
{
	struct ctree_handed handed = {-1, -1, 0};
	int signals = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	struct pollfd polled[2] = {{listener, POLLIN, 0}, {signals, POLLIN, 0}};
	while (signals >= 0 && poll(polled, 2, -1) < 0 && errno == EINTR)
		;
	handed.error = signals < 0 ? errno : polled[1].revents != 0 ? EINTR : 0;
	if (handed.error == 0) {
		handed.channel = accept(listener, NULL, NULL);
		handed.error = handed.channel < 0 ? errno : 0;
	}
	close(listener);
	if (signals >= 0)
		close(signals);
	if (handed.error != 0)
		return handed;
	fcntl(handed.channel, F_SETFD, FD_CLOEXEC);
	// struct ucred, which glibc declares under _GNU_SOURCE only.
	struct {
		pid_t process;
		uid_t user;
		gid_t group;
	} peer;
	socklen_t size = sizeof peer;
	struct timeval patience = {5, 0};
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec bytes = {&byte, 1};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	if (getsockopt(handed.channel, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
	    setsockopt(handed.channel, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0)
		handed.error = errno;
	else if (peer.user != 0)
		handed.error = EPERM;
	else if (recvmsg(handed.channel, &message, MSG_CMSG_CLOEXEC) < 0)
		handed.error = errno;
	else {
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		if (head != NULL && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
			memcpy(&handed.connection, CMSG_DATA(head), sizeof handed.connection);
		else
			handed.error = EPROTO;
	}
	return handed;
}

// Serves until a signal or the file system's end: 0, or an errno value. libfuse's own loop misses a signal that arrives between
// its check and its read. If seconds is not 0, beat is called each time that so many have passed, by the thread that answers.
static inline int ctree_serve(struct fuse_session *session, const sigset_t *set, double seconds, void (*beat)(void))
{
	// A reader who is killed withdraws the request that poll has told of. Then the read must not wait for the next one: meanwhile
	// nobody would hear a signal, or show that this program lives.
	int connection = fuse_session_fd(session), flags = fcntl(connection, F_GETFL);
	if (flags < 0 || fcntl(connection, F_SETFL, flags | O_NONBLOCK) != 0)
		return errno;
	int signals = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return errno;
	struct fuse_buf buffer;
	memset(&buffer, 0, sizeof buffer);
	int result = 0;
	double next = 0;
	while (!fuse_session_exited(session)) {
		struct pollfd polled[2] = {{connection, POLLIN, 0}, {signals, POLLIN, 0}};
		int wait = -1;
		if (seconds > 0) {
			double now = ctree_monotonic_seconds();
			if (now >= next) {
				beat();
				next = now + seconds;
			}
			wait = (int)((next - now) * 1000) + 1;
		}
		int count = poll(polled, 2, wait);
		if (count == 0)
			continue;
		if (count < 0) {
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
