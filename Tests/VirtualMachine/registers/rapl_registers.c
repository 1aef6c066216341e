// Makes energy registers live in a guest whose emulated CPU has none. Return probes on the kernel's functions by which the
// msr driver and the powercap driver read registers fill in what they read, so that the real drivers, their nodes, their
// permission checks and their errors all take part. Each package draws a constant power of its own.
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/suspend.h>
#include <linux/topology.h>

#include "rapl_registers.h"

#define PACKAGES 2
// Package 0 wraps about 150 s after loading: 2^32 units of 2^-14 J less 6400 J.
#define FIRST_COUNT (0x100000000ull - 6400ull * 16384)

static unsigned long package_milliwatts[PACKAGES] = {42500, 17250};
static unsigned long dram_milliwatts[PACKAGES] = {3250, 1500};
module_param_array(package_milliwatts, ulong, NULL, 0444);
module_param_array(dram_milliwatts, ulong, NULL, 0444);

static ktime_t start;
static u64 first_count = FIRST_COUNT;

// A counter of so many units to the joule.
static u64 energy(unsigned long milliwatts, u64 units)
{
	u64 picojoules = (u64)ktime_to_ns(ktime_sub(ktime_get(), start)) * milliwatts;

	return (first_count + mul_u64_u64_div_u64(picojoules, units, 1000000000000ull)) & 0xffffffff;
}

// Whether a register is one of ours, and what it holds. See the Intel SDM, volume 4; a server's DRAM unit is 2^-16 J
// whatever 0x606 says.
bool rapl_supply(unsigned int cpu, u32 reg, u64 *value)
{
	int package = topology_physical_package_id(cpu);

	if (package < 0 || package >= PACKAGES)
		return false;
	switch (reg) {
	case 0x606: // MSR_RAPL_POWER_UNIT: 2^-10 s, 2^-14 J, 2^-3 W
		*value = 0xa0e03;
		return true;
	case 0x611: // MSR_PKG_ENERGY_STATUS
		*value = energy(package_milliwatts[package], 1 << 14);
		return true;
	case 0x614: // MSR_PKG_POWER_INFO: 95 W
		*value = 95 * 8;
		return true;
	case 0x619: // MSR_DRAM_ENERGY_STATUS
		*value = energy(dram_milliwatts[package], 1 << 16);
		return true;
	default:
		return false;
	}
}

EXPORT_SYMBOL_GPL(rapl_supply);

struct reading {
	unsigned int cpu;
	u32 reg, *low, *high;
	u64 *value;
};

// int rdmsr_safe_on_cpu(unsigned int cpu, u32 msr_no, u32 *l, u32 *h): the msr driver of 6.1 and 6.12.
static int halves_begin(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct reading *reading = (struct reading *)instance->data;

	*reading = (struct reading){regs->di, regs->si, (u32 *)regs->dx, (u32 *)regs->cx, NULL};
	return 0;
}
NOKPROBE_SYMBOL(halves_begin);

// int rdmsrl_safe_on_cpu(unsigned int cpu, u32 msr_no, u64 *q), and by its new name rdmsrq_safe_on_cpu: the powercap driver, and
// in 7.3 the msr driver.
static int whole_begin(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct reading *reading = (struct reading *)instance->data;

	*reading = (struct reading){regs->di, regs->si, NULL, NULL, (u64 *)regs->dx};
	return 0;
}
NOKPROBE_SYMBOL(whole_begin);

static int end(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct reading *reading = (struct reading *)instance->data;
	u64 value;

	// A CPU that is offline stays an error.
	if (regs->ax == 0 && rapl_supply(reading->cpu, reading->reg, &value)) {
		if (reading->value) {
			*reading->value = value;
		} else {
			*reading->low = value;
			*reading->high = value >> 32;
		}
	}
	return 0;
}
NOKPROBE_SYMBOL(end);

#define PROBE(function, begin) \
	{.kp.symbol_name = function, .entry_handler = begin, .handler = end, .data_size = sizeof(struct reading), .maxactive = 64}
static struct kretprobe functions[] = {
	PROBE("rdmsr_safe_on_cpu", halves_begin),
	PROBE("rdmsrl_safe_on_cpu", whole_begin),
	PROBE("rdmsrq_safe_on_cpu", whole_begin),
};
// Those that this kernel has.
static struct kretprobe *probes[ARRAY_SIZE(functions)];
static int count;

// A package that was without power counts from 0 again.
static int resumed(struct notifier_block *block, unsigned long event, void *data)
{
	if (event == PM_POST_SUSPEND) {
		first_count = 0;
		start = ktime_get();
	}
	return NOTIFY_OK;
}
static struct notifier_block power = {.notifier_call = resumed};

static void rapl_registers_exit(void)
{
	unregister_kretprobes(probes, count);
	unregister_pm_notifier(&power);
}

static int __init rapl_registers_init(void)
{
	int i, error;

	start = ktime_get();
	error = register_pm_notifier(&power);
	if (error)
		return error;
	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		error = register_kretprobe(&functions[i]);
		if (!error) {
			probes[count++] = &functions[i];
		} else if (error != -ENOENT) {
			rapl_registers_exit();
			return error;
		}
	}
	return 0;
}

module_init(rapl_registers_init);
module_exit(rapl_registers_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Energy registers for a guest without them");
