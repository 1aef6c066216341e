// Clocks that can be moved under a running program (LD_PRELOAD): a machine that was asleep, and a wall clock that is set.
// What they are moved by is read from the file that FAULTS_CLOCK names: nanoseconds asleep, and of the wall clock's steps.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct moved {
	volatile int64_t asleep, wall;
};

static struct moved *moved;
static int (*system_clock)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAULTS_CLOCK");
	int descriptor = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *mapped = descriptor < 0 ? MAP_FAILED : mmap(0, sizeof *moved, PROT_READ, MAP_SHARED, descriptor, 0);
	system_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	if (mapped == MAP_FAILED || !system_clock) {
		perror("clock.c: FAULTS_CLOCK");
		_exit(70);
	}
	moved = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (!system_clock)
		begin();
	int error = system_clock(clock, now);
	int64_t by = clock == CLOCK_BOOTTIME ? moved->asleep : clock == CLOCK_REALTIME ? moved->wall : 0;
	if (error == 0 && by != 0) {
		int64_t time = now->tv_sec * INT64_C(1000000000) + now->tv_nsec + by;
		now->tv_sec = time / 1000000000;
		now->tv_nsec = time % 1000000000;
	}
	return error;
}
