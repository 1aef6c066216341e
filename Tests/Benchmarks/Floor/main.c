// The floor: samples in the plainest C, sent. What the product may cost is measured against this.
//   floor ROOT SAMPLES
#include "../CWorkload/workload.h"
#include "floor.h"

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "Usage: floor ROOT SAMPLES\n");
		return 64;
	}
	struct workload *w = workload_open(argv[1]);
	struct floor f;
	floor_open(&f, argv[1]);
	long samples = strtol(argv[2], 0, 10), sent = 0;
	for (long i = 0; i <= samples; i++) {
		char line[128];
		workload_step(w, 1);
		int length = floor_sample(&f, line, sizeof line);
		if (length > 0 && workload_send(w, line, (size_t)length) == 0)
			sent++;
	}
	printf("%ld\n", sent);
	return 0;
}
