// libfuse 3, see fuse.h for each operation's contract.
#pragma once

#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse3/fuse.h>
