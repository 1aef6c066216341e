// One client that writes down when each line came: connects, says "connected", reads for so many seconds, and prints the
// monotonic time of each fresh line in nanoseconds. With ROOT, counters in memory (CPU 0 and CPU 1) move on behind each
// line, so that they have moved before the next sample, and no timer but the server's own is at work.
//   recorder SOCKET SECONDS [ROOT]
#include "../CWorkload/workload.h"

#include <poll.h>
#include <string.h>
#include <sys/un.h>

static const uint32_t counts = 256;

static int reach(const struct sockaddr_un *address, const struct workload *counters)
{
	// A server that opens its counters waits until they move.
	for (int64_t end = workload_now() + 10000000000; workload_now() < end; usleep(1000)) {
		int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (client >= 0 && connect(client, (const struct sockaddr *)address, sizeof *address) == 0)
			return client;
		close(client);
		if (counters)
			workload_step(counters, counts);
	}
	perror(address->sun_path);
	exit(1);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if ((argc != 3 && argc != 4) || strlen(argv[1]) >= sizeof address.sun_path) {
		fprintf(stderr, "Usage: recorder SOCKET SECONDS [ROOT]\n");
		return 64;
	}
	strcpy(address.sun_path, argv[1]);
	struct workload *counters = argc == 4 ? workload_open(argv[3]) : 0;
	double seconds = strtod(argv[2], 0);
	long most = (long)(seconds * 4000), count = 0;
	int64_t *times = calloc((size_t)most, sizeof *times);
	if (times == 0)
		return 1;
	int client = reach(&address, counters);
	printf("connected\n");
	fflush(stdout);
	for (int64_t end = workload_now() + (int64_t)(seconds * 1e9), now = 0; now < end && count < most;) {
		char text[4096];
		struct pollfd polled = {client, POLLIN, 0};
		int ready = poll(&polled, 1, 5);
		now = workload_now();
		if (counters)
			workload_step(counters, counts);
		if (ready <= 0)
			continue;
		ssize_t length = read(client, text, sizeof text - 1);
		if (length <= 0) {
			fprintf(stderr, "recorder: the connection was closed\n");
			return 1;
		}
		text[length] = 0;
		for (char *line = text; (line = strstr(line, "\"status\": \"ok\"")) != 0 && count < most; line++)
			times[count++] = now;
	}
	for (long i = 0; i < count; i++)
		printf("%lld\n", (long long)times[i]);
	return 0;
}
