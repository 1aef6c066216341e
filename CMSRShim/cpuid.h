// The CPUID instruction. It needs no privilege and no file, so it works even if /proc/cpuinfo is hidden.
#pragma once

#include <stdint.h>

struct cmsr_cpuid {
	uint32_t eax, ebx, ecx, edx;
};

// What the instruction gives, also for a leaf that this CPU does not have; all zero on machines that are not x86.
static inline struct cmsr_cpuid cmsr_cpuid_unchecked(uint32_t leaf)
{
	struct cmsr_cpuid r = {0, 0, 0, 0};
#if defined(__x86_64__)
	r.eax = leaf;
	__asm__ volatile("cpuid" : "+a"(r.eax), "=b"(r.ebx), "+c"(r.ecx), "=d"(r.edx));
#else
	(void)leaf;
#endif
	return r;
}

// The leaf's registers; all zero for a leaf that this CPU does not have.
static inline struct cmsr_cpuid cmsr_cpuid(uint32_t leaf)
{
	const uint32_t first = leaf & 0x80000000u, last = cmsr_cpuid_unchecked(first).eax;
	return last < first || last < leaf ? (struct cmsr_cpuid){0, 0, 0, 0} : cmsr_cpuid_unchecked(leaf);
}

// Leaf 0x40000000, in which hypervisors sign (EBX, ECX, EDX); all zero on real hardware, on which bit 31 of
// leaf 1's ECX is 0.
static inline struct cmsr_cpuid cmsr_cpuid_hypervisor(void)
{
	return cmsr_cpuid(1).ecx >> 31 & 1 ? cmsr_cpuid_unchecked(0x40000000u) : (struct cmsr_cpuid){0, 0, 0, 0};
}
