// The only C in the product: what Swift's Glibc module lacks, or offers only through pointers.
//
// Every function is `static inline`, takes and gives values, and reports an errno value (0: success), so that the Swift
// above it needs neither pointers nor `errno`. _GNU_SOURCE is deliberately not defined here: with it, debug builds see
// two definitions of fd_set and fail. So system calls without a declaration are made by syscall(2), with the constants of
// the kernel's own headers.
//
// A function whose comment names no precondition has none: a closed descriptor is EBADF, a missing file ENOENT. A pointer
// that is not a C string or not as long as its size says is undefined behaviour, as in all C; Swift's own conversions give
// only valid ones.
#pragma once

#include "activation.h"
#include "children.h"
#include "clients.h"
#include "clocks.h"
#include "commands.h"
#include "cpuid.h"
#include "descriptors.h"
#include "events.h"
#include "folders.h"
#include "helpers.h"
#include "logs.h"
#include "mounts.h"
#include "peers.h"
#include "privileges.h"
#include "registers.h"
#include "signals.h"
#include "sockets.h"
#include "terminals.h"
