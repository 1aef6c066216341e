// A log on stderr that never waits for its reader.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

// Opens the pipe or terminal that stderr is once more, so that writing to it does not wait: the flag for that belongs to the
// open file, which stderr shares with the shell that started this process. -1 if stderr is of another kind, or belongs to
// another user.
static inline int cmsr_open_own_stderr(void)
{
	struct stat file;
	if (fstat(STDERR_FILENO, &file) != 0 || !(S_ISFIFO(file.st_mode) || S_ISCHR(file.st_mode)))
		return -1;
	return open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

// Writes as much as fits now: how many bytes, or -1 and errno (EAGAIN: none fit). own is what cmsr_open_own_stderr gave.
static inline ssize_t cmsr_write_to_stderr(int own, const void *bytes, size_t count)
{
	ssize_t written;
	do {
		written = own >= 0 ? write(own, bytes, count) : send(STDERR_FILENO, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (own < 0 && written < 0 && errno == ENOTSOCK) {
			// A pipe that poll calls writable takes so much at once; a file on a disk never makes anyone wait.
			struct pollfd polled = {STDERR_FILENO, POLLOUT, 0};
			int ready = poll(&polled, 1, 0);
			if (ready == 0)
				errno = EAGAIN;
			if (ready > 0)
				written = write(STDERR_FILENO, bytes, count < PIPE_BUF ? count : PIPE_BUF);
		}
	} while (written < 0 && errno == EINTR);
	return written;
}
