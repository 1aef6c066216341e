/* Preloaded: the kernel's list of modules, which a kernel without modules does not have, is one that names RAPL's. scaphandre
   does not measure without it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *instead(const char *path) {
	const char *list = getenv("MODULES");
	return list && path && strcmp(path, "/proc/modules") == 0 ? list : path;
}

int open64(const char *path, int flags, ...) {
	int (*next)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
	va_list rest;
	va_start(rest, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	return next(instead(path), flags, mode);
}
