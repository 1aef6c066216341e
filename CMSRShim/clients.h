// What a command-line client waits for.
#pragma once

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "clocks.h"
#include "signals.h"
#include "sockets.h"

// From here on the ending signals no longer end the process, but make this descriptor readable. -1 on failure.
static inline int cmsr_interrupt_descriptor(void)
{
	sigset_t set = cmsr_ending_signals();
	if (sigprocmask(SIG_BLOCK, &set, 0) != 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC);
}

// A descriptor that is readable from cmsr_signal_event on: it ends other threads' waits. -1 on failure.
static inline int cmsr_event_descriptor(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static inline int cmsr_signal_event(int descriptor)
{
	return eventfd_write(descriptor, 1) == 0 ? 0 : errno;
}

// Connects to path, and waits for room in a listener's full backlog: EAGAIN after that many milliseconds without any,
// ECANCELED soon after the interrupt descriptor (-1: none) is readable, or what cmsr_connect says.
//
// A connect that does not block fails at once there, and nothing can be polled for room. One that blocks stands in the
// listener's queue, but signals that are blocked for a signalfd do not end it; so it blocks for a moment at a time.
static inline int cmsr_connect_within(int descriptor, const char *path, int interrupt, int milliseconds)
{
	enum { slice_milliseconds = 50 };
	const int64_t deadline = cmsr_monotonic_nanoseconds() + (int64_t)milliseconds * 1000000;
	struct timeval slice = {0, slice_milliseconds * 1000}, for_ever = {0, 0};
	if (setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &slice, sizeof slice) != 0)
		return errno;
	for (;;) {
		struct pollfd polled = {interrupt, POLLIN, 0};
		if (poll(&polled, 1, 0) > 0)
			return ECANCELED;
		int error = cmsr_connect(descriptor, path);
		if (error == 0)
			return setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &for_ever, sizeof for_ever) == 0 ? 0 : errno;
		if (error != EAGAIN && error != EINTR)
			return error;
		if (cmsr_monotonic_nanoseconds() >= deadline)
			return EAGAIN;
	}
}

// Whether poll tells by POLLERR or POLLHUP that nobody reads any more what is written to a descriptor: of a pipe, or of a
// stream socket. Others have errors that pass (UDP), or a signal for it (terminals).
static inline int cmsr_tells_of_its_reader(int descriptor)
{
	struct stat file;
	int type = 0;
	socklen_t length = sizeof type;
	if (fstat(descriptor, &file) != 0)
		return 0;
	if (S_ISFIFO(file.st_mode))
		return 1;
	return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
}

// Waits until there is something to read: 0, ETIMEDOUT after that many milliseconds (negative: never), ECANCELED once the
// interrupt descriptor (-1: none) is readable, EPIPE once nobody reads what is written to the output descriptor (-1: none),
// or what went wrong.
static inline int cmsr_wait_readable(int descriptor, int interrupt, int output, int milliseconds)
{
	struct pollfd polled[3] = {{descriptor, POLLIN, 0}, {interrupt, POLLIN, 0}, {output, 0, 0}};
	int ready;
	do
		ready = poll(polled, 3, milliseconds);
	while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return errno;
	if (polled[1].revents != 0)
		return ECANCELED;
	if (polled[2].revents != 0)
		return EPIPE;
	return ready == 0 ? ETIMEDOUT : 0;
}
