// A PMU named power, as the kernel's own is (arch/x86/events/rapl.c), for a guest whose CPU has none: its events count what
// the other module's registers show. One CPU of each package counts; if it goes offline, its events move to another one.
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/perf_event.h>
#include <linux/topology.h>

#include "rapl_registers.h"

enum { event_package = 2, event_memory = 3 };

static struct cpumask counting;

// The CPU of a package that counts; nr_cpu_ids if there is none.
static unsigned int counting_cpu(int package)
{
	unsigned int cpu;

	for_each_cpu(cpu, &counting)
		if (topology_physical_package_id(cpu) == package)
			return cpu;
	return nr_cpu_ids;
}

static u32 read_counter(struct perf_event *event)
{
	u64 value = 0;

	rapl_supply(event->cpu, event->attr.config == event_package ? 0x611 : 0x619, &value);
	return value;
}

static void update(struct perf_event *event)
{
	u32 now = read_counter(event);
	u32 before = local64_xchg(&event->hw.prev_count, now);
	// In units of 2^-32 J: the package's register has 2^-14 J, a server's DRAM 2^-16 J.
	int shift = event->attr.config == event_package ? 18 : 16;

	local64_add((u64)(u32)(now - before) << shift, &event->count);
}

static void start(struct perf_event *event, int flags)
{
	event->hw.state = 0;
	local64_set(&event->hw.prev_count, read_counter(event));
}

static void stop(struct perf_event *event, int flags)
{
	if (event->hw.state & PERF_HES_STOPPED)
		return;
	event->hw.state = PERF_HES_STOPPED | PERF_HES_UPTODATE;
	update(event);
}

static int add(struct perf_event *event, int flags)
{
	event->hw.state = PERF_HES_STOPPED | PERF_HES_UPTODATE;
	if (flags & PERF_EF_START)
		start(event, flags);
	return 0;
}

static void del(struct perf_event *event, int flags) { stop(event, flags); }

static struct pmu power;

static int event_init(struct perf_event *event)
{
	unsigned int cpu;

	if (event->attr.type != power.type)
		return -ENOENT;
	if (event->cpu < 0 || event->attr.sample_period ||
	    (event->attr.config != event_package && event->attr.config != event_memory))
		return -EINVAL;
	cpu = counting_cpu(topology_physical_package_id(event->cpu));
	if (cpu >= nr_cpu_ids)
		return -ENODEV;
	event->cpu = cpu;
	event->event_caps |= PERF_EV_CAP_READ_ACTIVE_PKG;
	return 0;
}

static ssize_t cpumask_show(struct device *device, struct device_attribute *attribute, char *text)
{
	return sysfs_emit(text, "%*pbl\n", cpumask_pr_args(&counting));
}
static DEVICE_ATTR_RO(cpumask);
static struct attribute *mask_attributes[] = {&dev_attr_cpumask.attr, NULL};
static const struct attribute_group mask_group = {.attrs = mask_attributes};

PMU_FORMAT_ATTR(event, "config:0-7");
static struct attribute *format_attributes[] = {&format_attr_event.attr, NULL};
static const struct attribute_group format_group = {.name = "format", .attrs = format_attributes};

PMU_EVENT_ATTR_STRING(energy-pkg, package_event, "event=0x02");
PMU_EVENT_ATTR_STRING(energy-pkg.unit, package_unit, "Joules");
PMU_EVENT_ATTR_STRING(energy-pkg.scale, package_scale, "2.3283064365386962890625e-10");
PMU_EVENT_ATTR_STRING(energy-ram, memory_event, "event=0x03");
PMU_EVENT_ATTR_STRING(energy-ram.unit, memory_unit, "Joules");
PMU_EVENT_ATTR_STRING(energy-ram.scale, memory_scale, "2.3283064365386962890625e-10");
static struct attribute *event_attributes[] = {
	&package_event.attr.attr, &package_unit.attr.attr, &package_scale.attr.attr,
	&memory_event.attr.attr, &memory_unit.attr.attr, &memory_scale.attr.attr, NULL};
static const struct attribute_group event_group = {.name = "events", .attrs = event_attributes};

static const struct attribute_group *groups[] = {&mask_group, &format_group, &event_group, NULL};

static struct pmu power = {
	.module = THIS_MODULE,
	.task_ctx_nr = perf_invalid_context,
	.attr_groups = groups,
	.event_init = event_init,
	.add = add,
	.del = del,
	.start = start,
	.stop = stop,
	.read = update,
	.capabilities = PERF_PMU_CAP_NO_EXCLUDE,
};

static int came_online(unsigned int cpu)
{
	if (counting_cpu(topology_physical_package_id(cpu)) >= nr_cpu_ids)
		cpumask_set_cpu(cpu, &counting);
	return 0;
}

static int goes_offline(unsigned int cpu)
{
	unsigned int other;

	if (!cpumask_test_and_clear_cpu(cpu, &counting))
		return 0;
	for_each_online_cpu(other) {
		if (other == cpu || topology_physical_package_id(other) != topology_physical_package_id(cpu))
			continue;
		cpumask_set_cpu(other, &counting);
		perf_pmu_migrate_context(&power, cpu, other);
		break;
	}
	return 0;
}

static int hotplug;

static int __init rapl_events_init(void)
{
	int error = perf_pmu_register(&power, "power", -1);

	if (error)
		return error;
	hotplug = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "rapl_events:online", came_online, goes_offline);
	if (hotplug >= 0)
		return 0;
	perf_pmu_unregister(&power);
	return hotplug;
}

static void __exit rapl_events_exit(void)
{
	cpuhp_remove_state_nocalls(hotplug);
	perf_pmu_unregister(&power);
}

module_init(rapl_events_init);
module_exit(rapl_events_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("The PMU of energy for a guest without one");
