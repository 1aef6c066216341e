// The floor of sampling with the kernel's events, in the plainest C: one read of a group of four, between two readings of the
// clock, repeated where it was interrupted; pauses, zero, wrap, reset and the power bound checked for each; suspend looked for;
// the package's watts rounded, written as the same line. The events are the kernel's CPU clock, as for the product.
//   event-floor ROOT SAMPLES
#include <linux/perf_event.h>
#include <sys/syscall.h>

#include "../CWorkload/workload.h"
#include "../Floor/floor.h"

enum { events = 4 };
static const double joules = 1.0 / (1 << 24), bounds[events] = {1000, 1000, 1000, 500};

struct counter {
	uint64_t value, total;
	int64_t recorded;
	unsigned losses;
};

struct group {
	int leader;
	struct counter counters[events];
	int64_t time, before_time, end;
	uint64_t running, before;
	int64_t slept_before;
	int begun;
};

static void group_open(struct group *g)
{
	*g = (struct group){.leader = -1};
	for (int i = 0; i < events; i++) {
		struct perf_event_attr attributes = {
			.type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .config = PERF_COUNT_SW_CPU_CLOCK,
			.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING};
		long event = syscall(SYS_perf_event_open, &attributes, -1, 0, g->leader, PERF_FLAG_FD_CLOEXEC);
		if (event < 0) {
			perror("perf_event_open");
			exit(1);
		}
		if (i == 0)
			g->leader = (int)event;
	}
}

static int count(struct counter *c, uint64_t raw, double watts, int64_t time, int64_t asleep)
{
	uint64_t value = ((raw >> 8) + 1) & (UINT64_MAX >> 8);
	int64_t now = time + asleep;
	if (value == 0)
		return -1;
	if (c->value == 0) {
		c->value = value;
		c->recorded = now;
		return 0;
	}
	double most = ((double)(now - c->recorded) + 20e6) * (watts / joules / 1e9);
	uint64_t step = (value - c->value) & (UINT64_MAX >> 8);
	if (most > (double)(1ull << 54)) {
		c->losses++;
	} else if ((double)step <= most) {
		c->total += step;
	} else if (value < c->value && (double)value <= most) {
		c->total += value;
		c->losses++;
	} else {
		return -1;
	}
	c->value = value;
	c->recorded = now;
	return 0;
}

static int sample(struct group *g, char *line, size_t size)
{
	uint64_t words[16];
	int64_t monotonic = floor_clock(CLOCK_MONOTONIC), best = INT64_MAX;
	int64_t asleep = floor_clock(CLOCK_BOOTTIME) - monotonic, tolerance = (monotonic - g->time) / 100;
	uint64_t values[events];
	for (int tries = 0; tries < 3 && best > tolerance; tries++) {
		int64_t start = floor_clock(CLOCK_MONOTONIC);
		ssize_t length;
		do
			length = read(g->leader, words, sizeof words);
		while (length < 0 && errno == EINTR);
		int64_t end = floor_clock(CLOCK_MONOTONIC);
		if (length <= 0 || words[0] != events)
			return 0;
		int64_t passed = g->end ? start - g->end : 0, missed = passed - (int64_t)(words[2] - g->running);
		if (missed > 2000000 + passed / 100)
			for (int i = 0; i < events; i++)
				g->counters[i].losses++;
		g->end = end;
		g->running = words[2];
		if (end - start < best) {
			best = end - start;
			g->time = start + best / 2;
			for (int i = 0; i < events; i++)
				values[i] = words[3 + i];
		}
	}
	int good = 1;
	for (int i = 0; i < events; i++)
		good &= count(&g->counters[i], values[i], bounds[i], g->time, asleep) == 0;
	if (!good)
		return 0;
	int complete = g->begun && asleep - g->slept_before < 50000000;
	g->begun = 1;
	g->slept_before = asleep;
	int64_t window = g->time - g->before_time;
	struct counter *package = &g->counters[0];
	double watts = 0;
	if (package->total <= g->before || window <= 0 || package->losses)
		complete = 0;
	else
		watts = (double)(package->total - g->before) * joules * 1e9 / (double)window;
	g->before = package->total;
	g->before_time = g->time;
	if (!complete || !(watts >= 0 && watts < 1e15))
		return 0;
	double unix_seconds = (double)floor_clock(CLOCK_REALTIME) / 1e9;
	return snprintf(line, size, "{\"power_watts\": %.2f, \"timestamp\": %.3f, \"status\": \"ok\"}\n", watts, unix_seconds);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "Usage: event-floor ROOT SAMPLES\n");
		return 64;
	}
	struct workload *workload = workload_open(argv[1]);
	struct group group;
	group_open(&group);
	long samples = strtol(argv[2], 0, 10), sent = 0;
	for (long i = 0; i <= samples; i++) {
		char line[128];
		workload_pause();
		int length = sample(&group, line, sizeof line);
		if (length > 0 && workload_send(workload, line, (size_t)length) == 0)
			sent++;
	}
	printf("%ld\n", sent);
	return 0;
}
