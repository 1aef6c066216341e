// One user who wants all of the service: holds so many connections, and says "connected"; then, for so many seconds, does what
// costs the service most, as fast as it can, or only reads. As root it becomes somebody else first.
//   attack SOCKET quiet|requests|history|escapes|subscribes|connects CONNECTIONS SECONDS
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../CWorkload/user.h"

enum { most_connections = 65536 };
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int clients[most_connections], count;
static char request[1 << 17];
static long sent, answered, connected;

static int join(void)
{
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client < 0 || connect(client, (struct sockaddr *)&address, sizeof address) != 0)
		fail("connect");
	connected++;
	return client;
}

// What is sent again and again.
static void choose(const char *kind)
{
	if (strcmp(kind, "requests") == 0) {
		strcpy(request, "{\"get\": \"info\"}\n{\"get\": \"sample\"}\n");
	} else if (strcmp(kind, "history") == 0) {
		strcpy(request, "{\"get\": \"history\", \"seconds\": 86400}\n");
	} else if (strcmp(kind, "subscribes") == 0) {
		strcpy(request, "{\"subscribe\": \"sample\", \"interval_seconds\": 0.25}\n");
	} else if (strcmp(kind, "escapes") == 0) {
		strcpy(request, "{\"get\": \"");
		for (int i = 0; i < 675; i++)
			strcat(request, "\\u00e9");
		strcat(request, "\"}\n");
	}
}

static void ask(int client)
{
	static char answer[1 << 18];
	ssize_t done = *request ? send(client, request, strlen(request), MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
	if (done > 0)
		sent++;
	while ((done = recv(client, answer, sizeof answer, MSG_DONTWAIT)) > 0)
		answered += done;
}

// Connects and goes: at once, or all of them together.
static void come_and_go(int64_t end)
{
	for (int i = 0; now() < end; i++) {
		if (i % 8 != 0) {
			close(join());
			continue;
		}
		int many[64];
		for (int each = 0; each < 64; each++)
			many[each] = join();
		for (int each = 0; each < 64; each++)
			close(many[each]);
	}
}

int main(int argc, char **argv)
{
	if (argc != 5 || strlen(argv[1]) >= sizeof address.sun_path) {
		fprintf(stderr, "Usage: attack SOCKET KIND CONNECTIONS SECONDS\n");
		return 64;
	}
	strcpy(address.sun_path, argv[1]);
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	leave_root();
	count = atoi(argv[3]);
	for (int i = 0; i < count; i++)
		clients[i] = join();
	printf("connected\n");
	fflush(stdout);
	choose(argv[2]);
	int64_t end = now() + atoll(argv[4]) * 1000000000;
	// What watches on this machine comes first.
	struct sched_param none = {0};
	sched_setscheduler(0, SCHED_IDLE, &none);
	if (strcmp(argv[2], "connects") == 0)
		come_and_go(end);
	else if (strcmp(argv[2], "quiet") == 0)
		for (; now() < end; usleep(200000))
			for (int i = 0; i < count; i++)
				ask(clients[i]);
	else
		for (int i = 0; now() < end; i = (i + 1) % count)
			ask(clients[i]);
	printf("{\"sent\": %ld, \"answered_bytes\": %ld, \"connected\": %ld}\n", sent, answered, connected);
	return 0;
}
