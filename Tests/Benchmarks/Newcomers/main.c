// Connects twenty times a second for so many seconds, once the service has lines, and prints how long each waited for its first.
//   newcomers SOCKET SECONDS
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (argc != 3 || strlen(argv[1]) >= sizeof address.sun_path) {
		fprintf(stderr, "Usage: newcomers SOCKET SECONDS\n");
		return 64;
	}
	strcpy(address.sun_path, argv[1]);
	enum { most = 20000 };
	static int64_t took[most];
	int count = 0;
	// The first keeps the service awake, and is not counted.
	int first = -1;
	for (int64_t end = now() + atoll(argv[2]) * 1000000000; now() < end && count < most; usleep(50000)) {
		char line[1024];
		int64_t began = now();
		int client = socket(AF_UNIX, SOCK_STREAM, 0);
		if (client < 0 || connect(client, (struct sockaddr *)&address, sizeof address) != 0 ||
		    recv(client, line, sizeof line, 0) <= 0) {
			perror("newcomers");
			return 1;
		}
		if (first < 0) {
			first = client;
			continue;
		}
		took[count++] = now() - began;
		close(client);
	}
	if (count == 0)
		return 1;
	qsort(took, (size_t)count, sizeof *took, by_size);
	printf("{\"connects\": %d, \"p99_ms\": %.2f, \"most_ms\": %.2f}\n", count,
		(double)took[(count * 99 + 99) / 100 - 1] / 1e6, (double)took[count - 1] / 1e6);
	return 0;
}
