// The CPUID instruction. It needs no privilege and no file, so it works even if /proc/cpuinfo is hidden.
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

// Leaf 0x40000000, in which hypervisors sign (EBX, ECX, EDX); all zero on real hardware, on which bit 31 of
// leaf 1's ECX is 0.
static inline struct cmsr_cpuid cmsr_cpuid_hypervisor(void)
{
	struct cmsr_cpuid r = {0, 0, 0, 0};
#if defined(__x86_64__)
	if (cmsr_cpuid(1).ecx >> 31 & 1) {
		r.eax = 0x40000000u;
		__asm__ volatile("cpuid" : "+a"(r.eax), "=b"(r.ebx), "+c"(r.ecx), "=d"(r.edx));
	}
#endif
	return r;
}
