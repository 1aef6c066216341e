// Preloaded into turbostat, which ends where it may not raise its limit on open files, as in many containers: it has
// enough of them for the few CPUs of a test.
struct rlimit;

int setrlimit(int resource, const struct rlimit *limit)
{
	(void)resource;
	(void)limit;
	return 0;
}

int setrlimit64(int resource, const struct rlimit *limit) { return setrlimit(resource, limit); }
