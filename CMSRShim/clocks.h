// Clocks as plain 64-bit nanoseconds. But for the thread's own time, readings come from the vDSO: no system call.
#pragma once

#include <stdint.h>
#include <time.h>

static inline int64_t cmsr_clock(clockid_t clock)
{
	struct timespec now = {0, 0};
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// Time since boot without time asleep: what intervals are measured with.
static inline int64_t cmsr_monotonic_nanoseconds(void) { return cmsr_clock(CLOCK_MONOTONIC); }

// Time since boot with time asleep: its distance from the monotonic clock grows by each suspend.
static inline int64_t cmsr_boottime_nanoseconds(void) { return cmsr_clock(CLOCK_BOOTTIME); }

// Time of day, in nanoseconds since 1970 (UTC): stamps readings, measures nothing.
static inline int64_t cmsr_realtime_nanoseconds(void) { return cmsr_clock(CLOCK_REALTIME); }

// Waits until an absolute time of the monotonic clock; a signal does not cut the wait short.
static inline void cmsr_sleep_until(int64_t nanoseconds)
{
	struct timespec deadline = {nanoseconds / 1000000000, nanoseconds % 1000000000};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, 0) != 0)
		;
}

// CPU time of this thread: its own work, without the time that other programs took. A system call.
static inline int64_t cmsr_thread_nanoseconds(void) { return cmsr_clock(CLOCK_THREAD_CPUTIME_ID); }
