#include <linux/types.h>

// Whether a register of a CPU is one of ours, and what it holds.
bool rapl_supply(unsigned int cpu, u32 reg, u64 *value);
