// The floor: the same work in the plainest C. For each package a pread between two readings of the clock, repeated where it was
// interrupted; zero, wrap, reset and the power bound checked; suspend looked for; the sum rounded, written as the same line,
// sent. What the product may cost is measured against this.
//   floor ROOT SAMPLES
#include "../CWorkload/workload.h"

#include <errno.h>
#include <string.h>

struct package {
	int msr;
	uint64_t value, total, before;
	int64_t time, before_time, recorded;
	unsigned losses;
};

static const double joules = 1.0 / 16384, bound_watts = 1000;

static int64_t clock_of(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int read_package(struct package *p, int64_t asleep)
{
	int64_t tolerance = (clock_of(CLOCK_MONOTONIC) - p->time) / 100, best = INT64_MAX;
	uint64_t value = 0;
	for (int tries = 0; tries < 3 && best > tolerance; tries++) {
		uint64_t read_value;
		ssize_t count;
		int64_t start = clock_of(CLOCK_MONOTONIC);
		do
			count = pread(p->msr, &read_value, 8, 0x611);
		while (count < 0 && errno == EINTR);
		int64_t took = clock_of(CLOCK_MONOTONIC) - start;
		if (count != 8)
			return -1;
		if (took < best) {
			best = took;
			value = read_value & 0xffffffff;
			p->time = start + took / 2;
		}
	}
	if (value == 0)
		return -1;
	int64_t now = p->time + asleep;
	if (p->value == 0) {
		p->value = value;
		p->recorded = now;
		return 0;
	}
	double most = ((double)(now - p->recorded) + 20e6) * (bound_watts / joules / 1e9);
	uint64_t step = value >= p->value ? value - p->value : (1ull << 32) - p->value + value;
	if (most > (double)(1u << 30)) {
		p->losses++;
	} else if ((double)step <= most) {
		p->total += step;
	} else if (value < p->value && (double)value <= most) {
		p->total += value;
		p->losses++;
	} else {
		return -1;
	}
	p->value = value;
	p->recorded = now;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "Usage: floor ROOT SAMPLES\n");
		return 64;
	}
	struct workload *w = workload_open(argv[1]);
	struct package packages[2];
	memset(packages, 0, sizeof packages);
	for (int i = 0; i < 2; i++) {
		char path[4096];
		snprintf(path, sizeof path, "%s/dev/cpu/%d/msr", argv[1], i);
		packages[i].msr = open(path, O_RDONLY | O_CLOEXEC);
		if (packages[i].msr < 0) {
			perror(path);
			return 1;
		}
	}
	long samples = strtol(argv[2], 0, 10), sent = 0;
	int64_t slept_before = 0;
	for (long i = 0; i <= samples; i++) {
		workload_step(w, 1);
		int64_t monotonic = clock_of(CLOCK_MONOTONIC);
		int64_t asleep = clock_of(CLOCK_BOOTTIME) - monotonic;
		int good = 1;
		for (int p = 0; p < 2; p++)
			good &= read_package(&packages[p], asleep) == 0;
		if (!good)
			continue;
		double watts = 0;
		int complete = i > 0 && asleep - slept_before < 50000000;
		slept_before = asleep;
		for (int p = 0; p < 2; p++) {
			struct package *package = &packages[p];
			int64_t window = package->time - package->before_time;
			if (package->total <= package->before || window <= 0 || package->losses)
				complete = 0;
			else
				watts += (double)(package->total - package->before) * joules * 1e9 / (double)window;
			package->before = package->total;
			package->before_time = package->time;
		}
		if (!complete || !(watts >= 0 && watts < 1e15))
			continue;
		double unix_seconds = (double)clock_of(CLOCK_REALTIME) / 1e9;
		char line[128];
		int length = snprintf(line, sizeof line, "{\"power_watts\": %.2f, \"timestamp\": %.3f, \"status\": \"ok\"}\n",
			watts, unix_seconds);
		if (workload_send(w, line, (size_t)length) == 0)
			sent++;
	}
	printf("%ld\n", sent);
	return 0;
}
