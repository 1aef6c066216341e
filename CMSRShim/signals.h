// Signals that end a service or a comparison, taken synchronously by the main thread.
#pragma once

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <sys/types.h>
#include <unistd.h>

// A set of `count` signals. A number that names no signal is left out.
static inline sigset_t cmsr_signal_set(const int *numbers, size_t count)
{
	sigset_t set;
	sigemptyset(&set);
	for (size_t index = 0; index < count; index++)
		sigaddset(&set, numbers[index]);
	return set;
}

struct cmsr_signal {
	int number;          // 0: none is there
	int is_from_process; // sent by a process, not by the kernel as for Ctrl-C
};

// Takes the next signal that has arrived at a descriptor of signalfd(2). Does not wait if that is non-blocking.
static inline struct cmsr_signal cmsr_next_signal(int descriptor)
{
	struct signalfd_siginfo info;
	struct cmsr_signal taken = {0, 0};
	if (read(descriptor, &info, sizeof info) == (ssize_t)sizeof info) {
		taken.number = (int)info.ssi_signo;
		taken.is_from_process = info.ssi_code <= 0; // SI_USER, SI_QUEUE, SI_TKILL
	}
	return taken;
}

// SIGTERM, SIGINT and SIGHUP. Not SIGHUP if it is ignored: nohup(1) does that, so that the end of a terminal ends nothing. A
// signal that is blocked reaches sigwait(3) even if it is ignored.
static inline sigset_t cmsr_ending_signals(void)
{
	static const int numbers[] = {SIGTERM, SIGINT};
	sigset_t set = cmsr_signal_set(numbers, sizeof numbers / sizeof *numbers);
	struct sigaction action;
	if (sigaction(SIGHUP, 0, &action) != 0 || action.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	return set;
}

// Blocks the ending signals for this thread and every thread it starts, and ignores SIGPIPE: a client that has gone, or
// a log that nobody reads any more, is an error value, not the end.
static inline int cmsr_block_ending_signals(void)
{
	sigset_t set = cmsr_ending_signals();
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return errno;
	return sigprocmask(SIG_BLOCK, &set, 0) == 0 ? 0 : errno;
}

// Sets what an ending signal does.
static inline int cmsr_handle_ending_signals(void (*handler)(int))
{
	sigset_t set = cmsr_ending_signals();
	struct sigaction action = {.sa_handler = handler};
	for (int number = 1; number < NSIG; number++)
		if (sigismember(&set, number) == 1 && sigaction(number, &action, 0) != 0)
			return errno;
	return 0;
}

static inline void cmsr_exit_orderly(int number)
{
	(void)number;
	_exit(0);
}

static inline void cmsr_exit_as_shells_tell(int number) { _exit(128 + number); }

// From now on an ending signal ends this process at once: with exit code 0, or with 128 and its number. By a handler, because the
// first process of a container does not get a signal's default. Ignores SIGPIPE too.
static inline int cmsr_end_at_once(int with_number)
{
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return errno;
	return cmsr_handle_ending_signals(with_number ? cmsr_exit_as_shells_tell : cmsr_exit_orderly);
}

// Waits for an ending signal and gives its number. The next one ends the process at once, should the orderly end hang.
static inline int cmsr_wait_for_ending_signal(void)
{
	sigset_t set = cmsr_ending_signals();
	int number = 0;
	while (sigwait(&set, &number) != 0)
		;
	cmsr_handle_ending_signals(SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, 0);
	return number;
}
