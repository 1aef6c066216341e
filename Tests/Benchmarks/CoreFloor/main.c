// The floor of AMD's core domain: at every tick of a timer the package's counter and one of each core, each read between two
// readings of the clock, summed through their wraps, and written as a line.
//   core-floor ROOT MICROSECONDS THREADS_PER_CORE CORES
#define _GNU_SOURCE
#include "../Floor/floor.h"

#include <sys/timerfd.h>

enum { most_counters = 1025 };
static const off_t package_energy = 0xC001029B, core_energy = 0xC001029A;

struct counter {
	int msr;
	uint32_t value;
	uint64_t total;
	int64_t time;
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int open_msr(const char *root, int cpu)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/dev/cpu/%d/msr", root, cpu);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		fail(path);
	return file;
}

static void read_counter(struct counter *c, off_t address)
{
	uint64_t value;
	int64_t start = floor_clock(CLOCK_MONOTONIC);
	if (pread(c->msr, &value, sizeof value, address) != sizeof value)
		fail("pread");
	c->time = start + (floor_clock(CLOCK_MONOTONIC) - start) / 2;
	c->total += (uint32_t)value - c->value;
	c->value = (uint32_t)value;
}

int main(int argc, char **argv)
{
	static struct counter counters[most_counters];
	long microseconds = argc == 5 ? strtol(argv[2], 0, 10) : 0;
	int threads = argc == 5 ? atoi(argv[3]) : 0, cores = argc == 5 ? atoi(argv[4]) : -1;
	if (microseconds <= 0 || microseconds >= 1000000 || threads < 1 || cores < 0 || cores >= most_counters) {
		fprintf(stderr, "Usage: core-floor ROOT MICROSECONDS THREADS_PER_CORE CORES\n");
		return 64;
	}
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	counters[0].msr = open_msr(argv[1], 0);
	for (int core = 0; core < cores; core++)
		counters[core + 1].msr = open_msr(argv[1], core * threads);
	struct itimerspec period = {{0, microseconds * 1000}, {0, microseconds * 1000}};
	if (timerfd_settime(timer, 0, &period, 0) != 0)
		fail("timerfd_settime");
	for (uint64_t ticks; read(timer, &ticks, sizeof ticks) == sizeof ticks;) {
		uint64_t sum = 0;
		int64_t time = 0;
		read_counter(&counters[0], package_energy);
		for (int core = 1; core <= cores; core++) {
			read_counter(&counters[core], core_energy);
			sum += counters[core].total;
			time += (counters[core].time - counters[0].time) / cores;
		}
		char line[256];
		int length = snprintf(
			line, sizeof line, "{\"joules\": %.4f, \"core\": %.4f, \"at\": %lld}\n", (double)counters[0].total / 65536,
			(double)sum / 65536, (long long)(counters[0].time + time));
		if (write(1, line, (size_t)length) != length)
			fail("write");
	}
	fail("timer");
}
