// The floor of sampling: an epoll server in the plainest C that takes a sample at every tick of a timer, and sends its line to
// its client. What the service may cost for each sample, and how punctual it is, is measured against this.
//   sampling-floor SOCKET ROOT MICROSECONDS
#define _GNU_SOURCE
#include "../Floor/floor.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void watch(int poll, int descriptor)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
	if (epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) != 0)
		fail("epoll_ctl");
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strcpy(address.sun_path, path);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	unlink(path);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 16) != 0)
		fail(path);
	return listener;
}

int main(int argc, char **argv)
{
	struct floor f;
	int client = -1, poll = epoll_create1(EPOLL_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	long nanoseconds = argc == 4 ? strtol(argv[3], 0, 10) * 1000 : 0;
	if (nanoseconds <= 0 || nanoseconds >= 1000000000 || strlen(argv[1]) >= sizeof((struct sockaddr_un *)0)->sun_path) {
		fprintf(stderr, "Usage: sampling-floor SOCKET ROOT MICROSECONDS\n");
		return 64;
	}
	floor_open(&f, argv[2]);
	int listener = listen_at(argv[1]);
	watch(poll, listener);
	watch(poll, timer);
	struct itimerspec period = {{0, nanoseconds}, {0, nanoseconds}};
	if (timerfd_settime(timer, 0, &period, 0) != 0)
		fail("timerfd_settime");
	for (;;) {
		struct epoll_event events[8];
		int ready = epoll_wait(poll, events, 8, -1);
		for (int i = 0; i < ready; i++) {
			int descriptor = events[i].data.fd;
			if (descriptor == timer) {
				char line[128];
				uint64_t ticks;
				if (read(timer, &ticks, sizeof ticks) != sizeof ticks)
					continue;
				int length = floor_sample(&f, line, sizeof line);
				if (length > 0 && client >= 0)
					send(client, line, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
			} else if (descriptor == listener) {
				client = accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
				if (client >= 0)
					watch(poll, client);
			} else {
				char ignored[1024];
				if (read(descriptor, ignored, sizeof ignored) <= 0) {
					close(descriptor);
					client = -1;
				}
			}
		}
	}
}
