// The floor of the fan-out: an epoll server in the plainest C that sends one line a second to every client, and drops it where a
// client's buffer is full. What the service may cost for each line is measured against this.
//   fanout-floor SOCKET
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { most = 65536 };
static int clients[most], places[most], count;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void leave(int client)
{
	int place = places[client], last = clients[--count];
	clients[place] = last;
	places[last] = place;
	close(client);
}

static void broadcast(void)
{
	struct timespec now;
	char line[128];
	clock_gettime(CLOCK_REALTIME, &now);
	int length = snprintf(line, sizeof line, "{\"power_watts\": %.2f, \"timestamp\": %.3f, \"status\": \"ok\"}\n", 42.5,
		(double)now.tv_sec + (double)now.tv_nsec / 1e9);
	for (int i = count - 1; i >= 0; i--)
		if (send(clients[i], line, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
			leave(clients[i]);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct itimerspec second = {{1, 0}, {1, 0}};
	if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path) {
		fprintf(stderr, "Usage: fanout-floor SOCKET\n");
		return 64;
	}
	strcpy(address.sun_path, argv[1]);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	unlink(argv[1]);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0)
		fail(argv[1]);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), poll = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
	epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
	event.data.fd = timer;
	epoll_ctl(poll, EPOLL_CTL_ADD, timer, &event);
	timerfd_settime(timer, 0, &second, 0);
	for (;;) {
		struct epoll_event events[64];
		int ready = epoll_wait(poll, events, 64, -1);
		for (int i = 0; i < ready; i++) {
			int descriptor = events[i].data.fd;
			if (descriptor == timer) {
				uint64_t times;
				if (read(timer, &times, sizeof times) > 0)
					broadcast();
			} else if (descriptor == listener) {
				int client;
				while ((client = accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
					if (client >= most || count == most) {
						close(client);
						continue;
					}
					places[client] = count;
					clients[count++] = client;
					event.events = EPOLLIN;
					event.data.fd = client;
					epoll_ctl(poll, EPOLL_CTL_ADD, client, &event);
				}
			} else {
				char ignored[1024];
				if (read(descriptor, ignored, sizeof ignored) <= 0)
					leave(descriptor);
			}
		}
	}
}
