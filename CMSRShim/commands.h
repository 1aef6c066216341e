// A command that a client runs: started with everything as this process was given it, and seen through to its end.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clocks.h"
#include "signals.h"

// How this process was given its signals, and the descriptor that they arrive at from now on.
struct cmsr_command_signals {
	sigset_t mask;            // what was blocked: what a command starts with
	int are_children_ignored; // whether SIGCHLD was ignored: a command starts with that too
	int descriptor;           // readable once a signal is there; close-on-exec; -1 unless error is 0
	int error;
};

// The signals that end a process and can be sent to it on purpose.
static inline sigset_t cmsr_command_signal_set(void)
{
	static const int numbers[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
	return cmsr_signal_set(numbers, sizeof numbers / sizeof *numbers);
}

// From here on signals are read from a descriptor; once a command runs, its end is one of them. SIGPIPE is blocked, so that
// a report which nobody reads is an error value. No handler is installed: a command inherits none, and what was ignored
// stays so.
static inline struct cmsr_command_signals cmsr_take_command_signals(void)
{
	struct cmsr_command_signals signals;
	struct sigaction action;
	sigset_t set = cmsr_command_signal_set(), blocked = set;
	sigaddset(&blocked, SIGCHLD);
	sigaddset(&blocked, SIGPIPE);
	signals.descriptor = -1;
	signals.are_children_ignored = sigaction(SIGCHLD, 0, &action) == 0 && action.sa_handler == SIG_IGN;
	// If it is ignored, the kernel reaps children by itself, and their exit codes are lost.
	signals.error = signal(SIGCHLD, SIG_DFL) != SIG_ERR && sigprocmask(SIG_BLOCK, &blocked, &signals.mask) == 0 ? 0 : errno;
	if (signals.error != 0)
		return signals;
	signals.descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	signals.error = signals.descriptor < 0 ? errno : 0;
	return signals;
}

struct cmsr_command {
	pid_t process;
	int64_t started_nanoseconds; // CLOCK_MONOTONIC, before it was started
	int exec_error;              // why there is no such command, or it cannot be executed
	int error;                   // why none could be started
};

// Starts a command, looked for in PATH as execvp(3) does, in this process's group, terminal and descriptors. Returns once
// it runs, or cannot. text holds `count` words, one behind the other, each with
// its terminating zero; with fewer words than that it would read beyond the text. Needs signals.error to be 0, else
// command.error is EBADF.
static inline struct cmsr_command cmsr_start_command(const char *text, int count, struct cmsr_command_signals signals)
{
	struct cmsr_command command = {-1, 0, 0, 0};
	int ends[2];
	sigset_t set = cmsr_command_signal_set();
	sigaddset(&set, SIGCHLD);
	char **words = calloc((size_t)count + 1, sizeof *words);
	// pipe2, which glibc declares under _GNU_SOURCE only.
	if (!words || signalfd(signals.descriptor, &set, 0) < 0 || syscall(SYS_pipe2, ends, O_CLOEXEC) != 0) {
		command.error = errno;
		free(words);
		return command;
	}
	for (int index = 0; index < count; text += strlen(text) + 1)
		words[index++] = (char *)text; // execvp takes no const, and changes nothing
	command.started_nanoseconds = cmsr_monotonic_nanoseconds();
	command.process = fork();
	if (command.process < 0)
		command.error = errno;
	if (command.process == 0) {
		if (signals.are_children_ignored)
			signal(SIGCHLD, SIG_IGN);
		sigprocmask(SIG_SETMASK, &signals.mask, 0);
		execvp(words[0], words);
		int error = errno;
		_exit(write(ends[1], &error, sizeof error) == (ssize_t)sizeof error ? 127 : 126);
	}
	free(words);
	close(ends[1]);
	int error = 0;
	ssize_t got;
	do
		got = read(ends[0], &error, sizeof error);
	while (got < 0 && errno == EINTR);
	close(ends[0]);
	if (got == (ssize_t)sizeof error && command.process > 0) {
		while (waitpid(command.process, 0, 0) < 0 && errno == EINTR)
			;
		command.exec_error = error;
	}
	return command;
}

struct cmsr_command_end {
	int has_ended;
	int exit_code; // if no signal killed it
	int signal;    // which killed it, else 0
	int error;
};

// Whether a command has ended, and how. Does not wait.
static inline struct cmsr_command_end cmsr_command_ended(pid_t process)
{
	struct cmsr_command_end end = {0, 0, 0, 0};
	int status = 0;
	pid_t ended;
	do
		ended = waitpid(process, &status, WNOHANG);
	while (ended < 0 && errno == EINTR);
	if (ended < 0)
		end.error = errno;
	if (ended == process) {
		end.has_ended = 1;
		end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
		end.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	}
	return end;
}
