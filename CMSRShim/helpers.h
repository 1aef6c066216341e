// A program of ours that a command starts beside itself, without any right, and with one descriptor that is made only later.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mounts.h"
#include "privileges.h"
#include "signals.h"

// Waits for a child's end: its exit code, 128 and the signal's number, or -1 if there is no such child.
static inline int cmsr_wait_for(pid_t process)
{
	int status = 0;
	pid_t ended;
	do
		ended = waitpid(process, &status, 0);
	while (ended < 0 && errno == EINTR);
	if (ended < 0)
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

struct cmsr_helper {
	pid_t process; // the child to wait for; 0 if it is detached
	int channel;   // to it; close-on-exec
	int error;
};

enum {
	cmsr_helper_descriptor = 3, // what cmsr_send_descriptor sends
	cmsr_helper_channel = 4,    // the channel, as the helper sees it
};

// Waits for a descriptor: -1 if the other end is closed instead.
static inline int cmsr_receive_descriptor(int channel)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec bytes = {&byte, 1};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	ssize_t got;
	do
		got = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	struct cmsghdr *head = got == 1 ? CMSG_FIRSTHDR(&message) : 0;
	if (head == 0 || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
		return -1;
	int descriptor;
	memcpy(&descriptor, CMSG_DATA(head), sizeof descriptor);
	return descriptor;
}

static inline int cmsr_send_descriptor(int channel, int descriptor)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec bytes = {&byte, 1};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
	return sendmsg(channel, &message, MSG_NOSIGNAL) == 1 ? 0 : errno;
}

// In the child: becomes the helper, once the descriptor is there. Ends if anything fails, with the reason for the channel's reader.
static inline void cmsr_become_helper(char **words, int channel, uid_t user, gid_t group, int is_detached)
{
	sigset_t none;
	sigemptyset(&none);
	for (int number = 1; number < 32; number++)
		signal(number, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, 0);
	int descriptor = cmsr_receive_descriptor(channel);
	int null = open("/dev/null", O_RDWR);
	if (descriptor < 0 || null < 0)
		_exit(1);
	// Out of the way of the numbers that they get, and those without close-on-exec.
	descriptor = fcntl(descriptor, F_DUPFD, 10);
	channel = fcntl(channel, F_DUPFD, 10);
	null = fcntl(null, F_DUPFD, 10);
	int failed = descriptor < 0 || channel < 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
		     (is_detached && dup2(null, 2) < 0) || dup2(descriptor, cmsr_helper_descriptor) < 0 ||
		     dup2(channel, cmsr_helper_channel) < 0 || chdir("/") != 0;
	if (!failed && syscall(SYS_close_range, cmsr_helper_channel + 1, ~0U, 0) != 0)
		for (int number = cmsr_helper_channel + 1; number < 1024; number++) // before Linux 5.9
			close(number);
	if (!failed && user != (uid_t)-1)
		failed = setgroups(0, 0) != 0 || setresgid(group, group, group) != 0 || setresuid(user, user, user) != 0;
	if (!failed && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		execv(words[0], words);
	dprintf(cmsr_helper_channel, "Error: Cannot start %s: %s.\n", words[0], strerror(errno));
	_exit(1);
}

// Starts a helper, which waits for a descriptor. text holds `count` words, one behind the other, each with its terminating zero.
//
// user, group: what it becomes, or -1. is_detached: it is nobody's child and in no terminal, so that a command in this process's
// place neither finds a child that it has not started nor shares a signal with it.
static inline struct cmsr_helper cmsr_start_helper(const char *text, int count, uid_t user, gid_t group, int is_detached)
{
	struct cmsr_helper helper = {0, -1, 0};
	int ends[2];
	char **words = calloc((size_t)count + 1, sizeof *words);
	if (words == 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
		helper.error = errno;
		free(words);
		return helper;
	}
	for (int index = 0; index < count; text += strlen(text) + 1)
		words[index++] = (char *)text; // execv takes no const, and changes nothing
	pid_t process = fork();
	if (process == 0) {
		close(ends[0]);
		if (is_detached) {
			setsid();
			pid_t own = fork();
			if (own != 0)
				_exit(own < 0);
		}
		cmsr_become_helper(words, ends[1], user, group, is_detached);
	}
	helper.error = process < 0 ? errno : 0;
	free(words);
	close(ends[1]);
	helper.channel = ends[0];
	if (process > 0 && is_detached) {
		// If the kernel reaps children by itself, it is not known.
		if (cmsr_wait_for(process) > 0)
			helper.error = EAGAIN;
	} else if (process > 0)
		helper.process = process;
	if (helper.error != 0) {
		close(helper.channel);
		helper.channel = -1;
	}
	return helper;
}

// A process that does nothing but take a mount away once this process has closed `channel`'s other end or has ended in any way. It
// keeps the rights that this takes, and listens to no signal. Gives the channel.
static inline struct cmsr_helper cmsr_start_unmounter(int mount)
{
	struct cmsr_helper helper = {0, -1, 0};
	int ends[2];
	// pipe2, which glibc declares under _GNU_SOURCE only.
	if (syscall(SYS_pipe2, ends, O_CLOEXEC) != 0) {
		helper.error = errno;
		return helper;
	}
	helper.process = fork();
	if (helper.process == 0) {
		sigset_t all;
		char byte;
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, 0);
		setsid();
		// Nothing else stays open, or another mount could not go.
		int kept = fcntl(mount, F_DUPFD, 10), heard = fcntl(ends[0], F_DUPFD, 10);
		for (int number = 0; number < 10; number++)
			close(number);
		for (int number = 10; number < 1024; number++)
			if (number != kept && number != heard)
				close(number);
		while (read(heard, &byte, 1) < 0 && errno == EINTR)
			;
		_exit(cmsr_detach_mount(kept) != 0);
	}
	helper.error = helper.process < 0 ? errno : 0;
	close(ends[0]);
	helper.channel = ends[1];
	return helper;
}

// Blocks the signals that end this process, and SIGCHLD, for cmsr_wait_for_helper_signal.
static inline int cmsr_block_signals_of_helpers(void)
{
	sigset_t set = cmsr_ending_signals();
	sigaddset(&set, SIGCHLD);
	if (signal(SIGCHLD, SIG_DFL) == SIG_ERR || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return errno;
	return sigprocmask(SIG_BLOCK, &set, 0) == 0 ? 0 : errno;
}

// Waits for one of them, and gives its number. Ctrl-C may end the child before this process is told of it, so a signal that is
// there too counts more than the child's end.
static inline int cmsr_wait_for_helper_signal(void)
{
	sigset_t ending = cmsr_ending_signals(), set = ending;
	struct timespec none = {0, 0};
	int number = 0;
	sigaddset(&set, SIGCHLD);
	while (sigwait(&set, &number) != 0)
		;
	if (number == SIGCHLD) {
		int other = sigtimedwait(&ending, 0, &none);
		if (other > 0)
			number = other;
	}
	return number;
}

// Puts a command in this process's place, looked for in PATH as execvp(3) does. Returns only if it cannot: an errno value. text
// as for cmsr_start_helper.
static inline int cmsr_execute(const char *text, int count)
{
	char **words = calloc((size_t)count + 1, sizeof *words);
	if (words == 0)
		return errno;
	for (int index = 0; index < count; text += strlen(text) + 1)
		words[index++] = (char *)text;
	execvp(words[0], words);
	int error = errno;
	free(words);
	return error;
}
