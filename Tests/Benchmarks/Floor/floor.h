// A sample in the plainest C. For each package a pread between two readings of the clock, repeated where it was interrupted;
// zero, wrap, reset and the power bound checked; suspend looked for; the sum rounded, written as the same line.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct floor_package {
	int msr;
	uint64_t value, total, before;
	int64_t time, before_time, recorded;
	unsigned losses;
};

// Two packages, CPU 0 and CPU 1.
struct floor {
	struct floor_package packages[2];
	int64_t slept_before;
	int begun;
};

static const double floor_joules = 1.0 / 16384, floor_bound_watts = 1000;

static inline void floor_open(struct floor *f, const char *root)
{
	*f = (struct floor){0};
	for (int i = 0; i < 2; i++) {
		char path[4096];
		snprintf(path, sizeof path, "%s/dev/cpu/%d/msr", root, i);
		f->packages[i].msr = open(path, O_RDONLY | O_CLOEXEC);
		if (f->packages[i].msr < 0) {
			perror(path);
			exit(1);
		}
	}
}

static inline int64_t floor_clock(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int floor_read(struct floor_package *p, int64_t asleep)
{
	int64_t tolerance = (floor_clock(CLOCK_MONOTONIC) - p->time) / 100, best = INT64_MAX;
	uint64_t value = 0;
	for (int tries = 0; tries < 3 && best > tolerance; tries++) {
		uint64_t read_value;
		ssize_t count;
		int64_t start = floor_clock(CLOCK_MONOTONIC);
		do
			count = pread(p->msr, &read_value, 8, 0x611);
		while (count < 0 && errno == EINTR);
		int64_t took = floor_clock(CLOCK_MONOTONIC) - start;
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
	double most = ((double)(now - p->recorded) + 20e6) * (floor_bound_watts / floor_joules / 1e9);
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

// Writes the line of a sample, and gives how long it is; 0 where there is none.
static inline int floor_sample(struct floor *f, char *line, size_t size)
{
	int64_t monotonic = floor_clock(CLOCK_MONOTONIC);
	int64_t asleep = floor_clock(CLOCK_BOOTTIME) - monotonic;
	int good = 1;
	for (int p = 0; p < 2; p++)
		good &= floor_read(&f->packages[p], asleep) == 0;
	if (!good)
		return 0;
	double watts = 0;
	int complete = f->begun && asleep - f->slept_before < 50000000;
	f->begun = 1;
	f->slept_before = asleep;
	for (int p = 0; p < 2; p++) {
		struct floor_package *package = &f->packages[p];
		int64_t window = package->time - package->before_time;
		if (package->total <= package->before || window <= 0 || package->losses)
			complete = 0;
		else
			watts += (double)(package->total - package->before) * floor_joules * 1e9 / (double)window;
		package->before = package->total;
		package->before_time = package->time;
	}
	if (!complete || !(watts >= 0 && watts < 1e15))
		return 0;
	double unix_seconds = (double)floor_clock(CLOCK_REALTIME) / 1e9;
	return snprintf(line, size, "{\"power_watts\": %.2f, \"timestamp\": %.3f, \"status\": \"ok\"}\n", watts, unix_seconds);
}
