// Clocks that run slower (LD_PRELOAD), so that what a busy machine does late is a little late only. SLOW has the factor, and the moment from
// which on they do, in nanoseconds by CLOCK_MONOTONIC and by CLOCK_REALTIME, which is the same for all programs of an experiment.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

static int64_t factor, monotonic, realtime;

#define SYSTEM(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void begin(void)
{
	const char *text = getenv("SLOW");
	if (!text || sscanf(text, "%" SCNd64 " %" SCNd64 " %" SCNd64, &factor, &monotonic, &realtime) != 3 || factor < 1) {
		fputs("slow.c: SLOW has to have a factor and two times.\n", stderr);
		_exit(70);
	}
}

static int64_t nanoseconds(struct timespec time) { return time.tv_sec * SECOND + time.tv_nsec; }

static struct timespec timespec_of(int64_t time)
{
	return (struct timespec){.tv_sec = time / SECOND, .tv_nsec = time % SECOND};
}

// Where a clock was when it began to run slower; 0 for a clock that does not count time, such as that of the processor.
static int64_t start_of(clockid_t clock)
{
	switch (clock) {
	case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_RAW: case CLOCK_MONOTONIC_COARSE: case CLOCK_BOOTTIME: return monotonic;
	case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: return realtime;
	default: return 0;
	}
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	static __typeof__(&clock_gettime) system;
	if (!system) system = SYSTEM(clock_gettime);
	if (!factor) begin();
	int error = system(clock, now);
	int64_t start = start_of(clock);
	if (error == 0 && start) *now = timespec_of(start + (nanoseconds(*now) - start) / factor);
	return error;
}

// How long to wait in truth, or until when.
static struct timespec stretched(struct timespec time, clockid_t clock, int is_absolute)
{
	if (!factor) begin();
	int64_t start = is_absolute ? start_of(clock) : 0;
	return timespec_of(start + (nanoseconds(time) - start) * factor);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *rest)
{
	static __typeof__(&clock_nanosleep) system;
	if (!system) system = SYSTEM(clock_nanosleep);
	struct timespec longer = stretched(*time, clock, flags & TIMER_ABSTIME);
	return system(clock, flags, &longer, rest);
}

int nanosleep(const struct timespec *time, struct timespec *rest)
{
	int error = clock_nanosleep(CLOCK_REALTIME, 0, time, rest);
	if (error) errno = error;
	return error ? -1 : 0;
}

int usleep(useconds_t time)
{
	struct timespec wait = timespec_of(time * INT64_C(1000));
	return nanosleep(&wait, NULL);
}

int timerfd_settime(int descriptor, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	static __typeof__(&timerfd_settime) system;
	if (!system) system = SYSTEM(timerfd_settime);
	struct itimerspec longer = *new;
	// 0 stops a timer, and its clock is that of all timers here.
	if (new->it_value.tv_sec || new->it_value.tv_nsec)
		longer.it_value = stretched(new->it_value, CLOCK_MONOTONIC, flags & TFD_TIMER_ABSTIME);
	return system(descriptor, flags, &longer, old);
}

static int stretched_milliseconds(int time)
{
	if (!factor) begin();
	return time <= 0 || time > INT32_MAX / factor ? time : (int)(time * factor);
}

int epoll_wait(int descriptor, struct epoll_event *events, int count, int time)
{
	static __typeof__(&epoll_wait) system;
	if (!system) system = SYSTEM(epoll_wait);
	return system(descriptor, events, count, stretched_milliseconds(time));
}

int poll(struct pollfd *descriptors, nfds_t count, int time)
{
	static __typeof__(&poll) system;
	if (!system) system = SYSTEM(poll);
	return system(descriptors, count, stretched_milliseconds(time));
}

int ppoll(struct pollfd *descriptors, nfds_t count, const struct timespec *time, const sigset_t *signals)
{
	static __typeof__(&ppoll) system;
	if (!system) system = SYSTEM(ppoll);
	if (!time) return system(descriptors, count, time, signals);
	struct timespec longer = stretched(*time, CLOCK_MONOTONIC, 0);
	return system(descriptors, count, &longer, signals);
}
