// The CPUID instruction. It needs no privilege and no file, so it works where /proc/cpuinfo is hidden.
#pragma once

#include <stdint.h>

struct cmsr_cpuid {
	uint32_t eax, ebx, ecx, edx;
};

// The leaf's registers; all zero for a leaf that this CPU does not have, and on machines that are not x86.
static inline struct cmsr_cpuid cmsr_cpuid(uint32_t leaf)
{
	struct cmsr_cpuid r = {0, 0, 0, 0};
#if defined(__x86_64__)
	uint32_t maximum = leaf & 0x80000000u, b, c, d;
	__asm__ volatile("cpuid" : "+a"(maximum), "=b"(b), "=c"(c), "=d"(d) : "2"(0));
	if (leaf > maximum || maximum < (leaf & 0x80000000u))
		return r;
	r.eax = leaf;
	__asm__ volatile("cpuid" : "+a"(r.eax), "=b"(r.ebx), "+c"(r.ecx), "=d"(r.edx));
#else
	(void)leaf;
#endif
	return r;
}
