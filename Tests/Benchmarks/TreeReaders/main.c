// One user's readers of a file that always has a new number, as energy_uj of a powercap tree: each opens it, reads it once, and then for
// so many seconds again and again from its start, with a pause between two reads, or as fast as it can if that is 0. Says "reading"
// after the first read of all. Prints how many reads there were, and how many had no number. As root it becomes somebody else first.
//   tree-readers FILE READERS PAUSE_MILLISECONDS SECONDS
#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../CWorkload/user.h"

enum { most_readers = 64 };
static const char *path;
static int pause_milliseconds;
static pthread_barrier_t ready;
static int64_t end;
static struct reader {
	long reads, failures;
} readers[most_readers];

static int has_number(int file)
{
	char text[32];
	ssize_t count = pread(file, text, sizeof text, 0);
	return count > 1 && isdigit((unsigned char)text[0]) && text[count - 1] == '\n';
}

static void *read_again(void *context)
{
	struct reader *mine = context;
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		fail(path);
	if (!has_number(file))
		fail("the first read");
	pthread_barrier_wait(&ready);
	pthread_barrier_wait(&ready);
	for (; now() < end; mine->reads++) {
		mine->failures += !has_number(file);
		if (pause_milliseconds != 0)
			usleep((useconds_t)pause_milliseconds * 1000);
	}
	return 0;
}

int main(int argc, char **argv)
{
	int count = argc == 5 ? atoi(argv[2]) : 0;
	if (count < 1 || count > most_readers) {
		fprintf(stderr, "Usage: tree-readers FILE READERS PAUSE_MILLISECONDS SECONDS\n");
		return 64;
	}
	path = argv[1];
	pause_milliseconds = atoi(argv[3]);
	leave_root();
	// What watches on this machine comes first.
	struct sched_param none = {0};
	sched_setscheduler(0, SCHED_IDLE, &none);
	pthread_barrier_init(&ready, 0, (unsigned)count + 1);
	pthread_t threads[most_readers];
	for (int i = 0; i < count; i++)
		if (pthread_create(&threads[i], 0, read_again, &readers[i]) != 0)
			fail("pthread_create");
	pthread_barrier_wait(&ready);
	printf("reading\n");
	fflush(stdout);
	end = now() + atoll(argv[4]) * 1000000000;
	pthread_barrier_wait(&ready);
	struct reader sum = {0};
	for (int i = 0; i < count; i++) {
		pthread_join(threads[i], 0);
		sum.reads += readers[i].reads;
		sum.failures += readers[i].failures;
	}
	printf("{\"reads\": %ld, \"failures\": %ld}\n", sum.reads, sum.failures);
	return 0;
}
