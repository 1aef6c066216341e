// What both sides of the comparison have around the work that is compared: counters that move, and a client that reads.
#pragma once

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct workload {
	volatile uint32_t *counters[2];
	int sender, reader;
};

static inline void *workload_map(const char *root, int cpu)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/dev/cpu/%d/msr", root, cpu);
	int file = open(path, O_RDWR);
	if (file < 0) {
		perror(path);
		exit(1);
	}
	void *registers = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (registers == MAP_FAILED) {
		perror(path);
		exit(1);
	}
	close(file);
	return registers;
}

// Two packages, CPU 0 and CPU 1, whose registers are files in memory.
static inline struct workload *workload_open(const char *root)
{
	struct workload *w = calloc(1, sizeof *w);
	int ends[2];
	if (w == 0)
		exit(1);
	for (int cpu = 0; cpu < 2; cpu++)
		w->counters[cpu] = (volatile uint32_t *)((char *)workload_map(root, cpu) + 0x611);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
		perror("socketpair");
		exit(1);
	}
	w->sender = ends[0];
	w->reader = ends[1];
	return w;
}

// Energy goes by.
static inline void workload_step(const struct workload *w, uint32_t counts)
{
	*w->counters[0] += counts;
	*w->counters[1] += counts;
}

struct workload_mover {
	const struct workload *workload;
	atomic_int ends;
	pthread_t thread;
};

static inline void *workload_move(void *argument)
{
	struct workload_mover *mover = argument;
	while (!atomic_load(&mover->ends)) {
		workload_step(mover->workload, 1);
		usleep(1000);
	}
	return 0;
}

// Counters that move by themselves until workload_rest: opening a source waits for that.
static inline struct workload_mover *workload_start_moving(const struct workload *w)
{
	struct workload_mover *mover = calloc(1, sizeof *mover);
	if (mover == 0)
		exit(1);
	mover->workload = w;
	if (pthread_create(&mover->thread, 0, workload_move, mover) != 0)
		exit(1);
	return mover;
}

static inline void workload_rest(struct workload_mover *mover)
{
	atomic_store(&mover->ends, 1);
	pthread_join(mover->thread, 0);
	free(mover);
}

// So long that no reading counts as interrupted, however slowly the program is run.
static inline void workload_pause(void) { usleep(20000); }

// The line goes out, and is read.
static inline int workload_send(const struct workload *w, const void *line, size_t count)
{
	char drained[1024];
	if (send(w->sender, line, count, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)count)
		return -1;
	return read(w->reader, drained, sizeof drained) == (ssize_t)count ? 0 : -1;
}

static inline int64_t workload_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
