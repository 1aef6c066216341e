// The only C in the product: what Swift's Glibc module lacks, or offers only through pointers.
//
// Every function is `static inline`, takes and gives values, and reports an errno value (0: success), so that the Swift
// above it needs neither pointers nor `errno`. _GNU_SOURCE is deliberately not defined here: with it, debug builds see
// two definitions of fd_set and fail.
#pragma once

#include "activation.h"
#include "children.h"
#include "clients.h"
#include "clocks.h"
#include "commands.h"
#include "cost.h"
#include "cpuid.h"
#include "descriptors.h"
#include "folders.h"
#include "logs.h"
#include "peers.h"
#include "privileges.h"
#include "registers.h"
#include "signals.h"
#include "sockets.h"
#include "terminals.h"
