// The kernel's performance events, see perf_event_open(2): counters on one CPU, several of which are read at once.
#pragma once

#include <errno.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// Opens an event on a CPU for whatever runs there, close-on-exec and counting at once: its descriptor, or an errno value made
// negative. leader is the descriptor of the group's first event, or -1 for that event itself. EACCES without CAP_PERFMON, unless
// kernel.perf_event_paranoid is 0 or less.
static inline int cmsr_open_event(uint32_t type, uint64_t config, int cpu, int leader)
{
	struct perf_event_attr attributes = {
		.type = type, .size = sizeof attributes, .config = config,
		.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING};
	long descriptor = syscall(SYS_perf_event_open, &attributes, -1, cpu, leader, PERF_FLAG_FD_CLOEXEC);
	return descriptor < 0 ? -errno : (int)descriptor;
}

// Reads a group through its first event: how many events it has, time_enabled, time_running, and a value for each. 0, or an errno
// value: ENOSPC if there is no room for them.
static inline int cmsr_read_events(int leader, void *words, size_t size)
{
	ssize_t count;
	do
		count = read(leader, words, size);
	while (count < 0 && errno == EINTR);
	// 0 bytes: the kernel could not put the event back on its CPU.
	return count < 0 ? errno : count == 0 ? ENODEV : 0;
}
