// Preloaded into turbostat, lets it run as it is, at its own speed, as any CPU: its cpuid instructions are answered as the CPU
// that IMPERSONATE=VENDOR:FAMILY:MODEL names would answer them (VENDOR is of twelve letters, numbers are as in C), and it goes on
// where it may not raise its limit on open files, as in many containers: it has enough of them for the few CPUs of a test. With
// IMPERSONATE_SENSOR the CPU has a thermal sensor for the package.
//
// Each cpuid becomes a ud2, which is as long, and whose signal is answered here. In turbostat's code no other instruction has
// these two bytes.
#define _GNU_SOURCE
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

struct rlimit;

static char vendor[13];
static uint32_t signature;
static int is_intel, is_warm;
static uint8_t *places[256];
static int count;

int setrlimit(int resource, const struct rlimit *limit)
{
	(void)resource;
	(void)limit;
	return 0;
}

int setrlimit64(int resource, const struct rlimit *limit) { return setrlimit(resource, limit); }

// Leaves that are not here are all zero.
static void answer(uint32_t leaf, uint32_t out[4])
{
	memset(out, 0, 4 * sizeof *out);
	switch (leaf) {
	case 0: // the highest leaf, and the vendor
		out[0] = is_intel ? 0x16 : 0xD;
		memcpy(&out[1], vendor, 4);
		memcpy(&out[3], vendor + 4, 4);
		memcpy(&out[2], vendor + 8, 4);
		break;
	case 1: // what it has: among others a TSC and MSRs; it is no virtual machine
		out[0] = signature;
		out[1] = 0x800;
		out[2] = 0x7ED83203;
		out[3] = 0x078BFBFD;
		break;
	case 6: // the package's thermal sensor
		out[0] = is_warm ? 1 << 6 : 0;
		break;
	case 0x80000000:
		out[0] = 0x80000008;
		break;
	case 0x80000007: // an invariant TSC; AMD's RAPL
		out[3] = 1 << 8 | (is_intel ? 0 : 1 << 14);
		break;
	}
}

static void illegal(int number, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	uint32_t out[4];
	(void)info;
	for (int i = 0; i < count; i++) {
		if (places[i] != (uint8_t *)registers[REG_RIP])
			continue;
		answer((uint32_t)registers[REG_RAX], out);
		registers[REG_RAX] = out[0];
		registers[REG_RBX] = out[1];
		registers[REG_RCX] = out[2];
		registers[REG_RDX] = out[3];
		registers[REG_RIP] += 2;
		return;
	}
	signal(number, SIG_DFL);
}

static int patch(struct dl_phdr_info *object, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
			continue;
		uint8_t *start = (uint8_t *)(object->dlpi_addr + segment->p_vaddr), *end = start + segment->p_memsz;
		uint8_t *page = (uint8_t *)((uintptr_t)start & ~(uintptr_t)(getpagesize() - 1));
		if (mprotect(page, (size_t)(end - page), PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
			abort();
		for (uint8_t *byte = start; byte + 1 < end; byte++) {
			if (byte[0] != 0x0F || byte[1] != 0xA2 || count == sizeof places / sizeof *places)
				continue;
			places[count++] = byte;
			byte[1] = 0x0B;
		}
		mprotect(page, (size_t)(end - page), PROT_READ | PROT_EXEC);
	}
	return 1; // the first object is the program, and the only one
}

__attribute__((constructor)) static void begin(void)
{
	const char *who = getenv("IMPERSONATE");
	char numbers[64] = "";
	if (!who)
		return;
	if (sscanf(who, "%12[^:]:%63s", vendor, numbers) != 2 || strlen(vendor) != 12)
		abort();
	char *rest;
	uint32_t family = (uint32_t)strtoul(numbers, &rest, 0), model;
	if (*rest != ':')
		abort();
	model = (uint32_t)strtoul(rest + 1, &rest, 0);
	is_intel = strcmp(vendor, "GenuineIntel") == 0;
	is_warm = getenv("IMPERSONATE_SENSOR") != NULL;
	signature = (model & 15) << 4 | (model >> 4) << 16 | (family < 15 ? family << 8 : 15 << 8 | (family - 15) << 20);
	struct sigaction action = {.sa_sigaction = illegal, .sa_flags = SA_SIGINFO};
	sigaction(SIGILL, &action, 0);
	dl_iterate_phdr(patch, 0);
}
