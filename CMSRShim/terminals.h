// A terminal for a full-screen view: its mode, and the signals that matter to it.
#pragma once

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "signals.h"
#include "sockets.h"

// Keys come at once and are not shown; Ctrl-C and Ctrl-Z stay signals; Ctrl-S does not stop the screen.
static inline struct termios cmsr_screen_mode(struct termios mode)
{
	mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	mode.c_iflag &= ~(tcflag_t)IXON;
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	return mode;
}

// From here on these signals do nothing but make the descriptor readable.
static inline struct cmsr_descriptor cmsr_screen_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGWINCH, SIGTSTP, SIGCONT, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU};
	sigset_t set = cmsr_signal_set(numbers, sizeof numbers / sizeof *numbers);
	if (sigprocmask(SIG_BLOCK, &set, 0) != 0)
		return cmsr_descriptor_of(-1);
	return cmsr_descriptor_of(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

// Stops this process as Ctrl-Z does; returns once it is continued, or at once if nobody could continue it.
static inline void cmsr_stop(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, 0);
	sigprocmask(SIG_BLOCK, &set, 0);
}

// A descriptor that is readable while one of both is; the other may be -1.
static inline struct cmsr_descriptor cmsr_either_readable(int one, int other)
{
	struct cmsr_descriptor result = {epoll_create1(EPOLL_CLOEXEC), 0};
	struct epoll_event event = {EPOLLIN, {0}};
	if (result.descriptor < 0 || epoll_ctl(result.descriptor, EPOLL_CTL_ADD, one, &event) != 0 ||
	    (other >= 0 && epoll_ctl(result.descriptor, EPOLL_CTL_ADD, other, &event) != 0))
		result.error = errno;
	if (result.error != 0 && result.descriptor >= 0)
		close(result.descriptor);
	return result;
}
