// A crowd of clients: connects them all, says "connected", and reads for so many seconds. Prints how many lines the samples had
// that all of it fell into that time, how many clients missed one, and how long after its sample the last client had it.
//   crowd SOCKET CLIENTS SECONDS
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { most_samples = 4096 };
static struct {
	int64_t stamp, last; // milliseconds, microseconds
	int lines;
} samples[most_samples];
static int sample_count;

static int64_t now_of(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void take(const char *line, int64_t now)
{
	const char *text = strstr(line, "\"timestamp\": ");
	if (text == 0 || strstr(line, "stale") != 0)
		return;
	int64_t stamp = (int64_t)(strtod(text + 13, 0) * 1000 + 0.5);
	int i = sample_count - 1;
	while (i >= 0 && samples[i].stamp != stamp)
		i--;
	if (i < 0) {
		if (sample_count == most_samples)
			return;
		i = sample_count++;
		samples[i].stamp = stamp;
	}
	samples[i].lines++;
	samples[i].last = now;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (argc != 4 || strlen(argv[1]) >= sizeof address.sun_path) {
		fprintf(stderr, "Usage: crowd SOCKET CLIENTS SECONDS\n");
		return 64;
	}
	int clients = atoi(argv[2]), poll = epoll_create1(0);
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	strcpy(address.sun_path, argv[1]);
	for (int i = 0; i < clients; i++) {
		int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (client < 0 || connect(client, (struct sockaddr *)&address, sizeof address) != 0)
			fail("connect");
		struct epoll_event event = {.events = EPOLLIN, .data.fd = client};
		epoll_ctl(poll, EPOLL_CTL_ADD, client, &event);
	}
	printf("connected\n");
	fflush(stdout);
	// The first two seconds are those of the first lines.
	int64_t start = now_of(CLOCK_MONOTONIC) + 2000000, end = start + atoll(argv[3]) * 1000000;
	int64_t begins = now_of(CLOCK_REALTIME) / 1000 + 2000, ends = begins + atoll(argv[3]) * 1000 - 500;
	for (int64_t left; (left = end - now_of(CLOCK_MONOTONIC)) > 0;) {
		struct epoll_event events[256];
		int ready = epoll_wait(poll, events, 256, (int)(left / 1000 + 1));
		for (int i = 0; i < ready; i++) {
			char text[4096];
			ssize_t count = read(events[i].data.fd, text, sizeof text - 1);
			if (count <= 0) {
				fprintf(stderr, "crowd: a connection was closed\n");
				return 1;
			}
			text[count] = 0;
			int64_t now = now_of(CLOCK_REALTIME);
			for (char *line = text, *newline; (newline = strchr(line, '\n')) != 0; line = newline + 1) {
				*newline = 0;
				take(line, now);
			}
		}
	}
	static int64_t delays[most_samples];
	int whole = 0;
	long lines = 0, lost = 0;
	for (int i = 0; i < sample_count; i++) {
		if (samples[i].stamp < begins || samples[i].stamp > ends)
			continue;
		delays[whole++] = samples[i].last - samples[i].stamp * 1000;
		lines += samples[i].lines;
		lost += clients - samples[i].lines;
	}
	if (whole == 0) {
		fprintf(stderr, "crowd: no samples\n");
		return 1;
	}
	qsort(delays, (size_t)whole, sizeof *delays, by_size);
	printf("{\"samples\": %d, \"lines\": %ld, \"lost\": %ld, \"last_client_p99_ms\": %.2f}\n", whole, lines, lost,
		(double)delays[(whole * 99 + 99) / 100 - 1] / 1000);
	return 0;
}
