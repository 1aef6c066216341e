// What this process has cost.
#pragma once

#include <stdint.h>
#include <sys/resource.h>

struct cmsr_cost {
	int64_t cpu_microseconds;    // user and system
	int64_t voluntary_switches;  // how often a thread waited, and so woke up again
};

// The cost so far of all threads, see getrusage(2), which cannot fail here.
static inline struct cmsr_cost cmsr_process_cost(void)
{
	struct rusage usage;
	struct cmsr_cost cost = {0, 0};
	if (getrusage(RUSAGE_SELF, &usage) == 0) {
		cost.cpu_microseconds = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * (int64_t)1000000 + usage.ru_utime.tv_usec +
					usage.ru_stime.tv_usec;
		cost.voluntary_switches = usage.ru_nvcsw;
	}
	return cost;
}
