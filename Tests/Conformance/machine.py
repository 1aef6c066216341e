"""A machine of one CPU model: registers served by the msr device, with that model's units and domains, and the files around them."""

import os
import subprocess
import time

import product
from places import build

INTEL = {"units": 0x606, "limits": 0x614, "package": 0x611, "core": 0x639, "uncore": 0x641, "dram": 0x619, "psys": 0x64D}
AMD = {"units": 0xC0010299, "package": 0xC001029B, "core": 0xC001029A}
# What the first package draws, and how much of that the second does.
WATTS = {"package": 42.5, "core": 21.25, "uncore": 6.0, "dram": 11.0, "psys": 612.0}
SHARES = (1.0, 0.6)
POWER_EXPONENT = 3
LIMIT_WATTS = 150
# When counters wrap that are to, in seconds after the device has begun.
WRAP_SECONDS = 3.6

device_program = None


class Variant:
    """What a machine is like, whatever its model."""

    def __init__(self, name, packages=1, dies=1, wraps=False, silent=None, bits=32):
        """silent: what the registers of further domains do instead of counting: "value 0" or "eio"."""
        self.name, self.packages, self.dies, self.wraps, self.silent, self.bits = name, packages, dies, wraps, silent, bits


class Machine:
    """Two CPUs, of one package or of two, or of two dies: as many as any machine has that tries this."""

    CPUS = 2

    def __init__(self, tried, variant, folder):
        self.tried, self.variant, self.folder = tried, variant, folder
        self.is_amd = tried.cpu.vendor != "GenuineIntel"
        self.root = os.path.join(folder, "machine")
        os.mkdir(self.root)

    def places(self):
        """Each energy counter's package and die, its CPUs, and what share of the watts it shows."""
        variant = self.variant
        if variant.packages == 2:
            return [((0, None), [0], SHARES[0]), ((1, None), [1], SHARES[1])]
        # On AMD a die has no counter of its own.
        if variant.dies == 2 and not self.is_amd:
            return [((0, 0), [0], SHARES[0]), ((0, 1), [1], SHARES[1])]
        return [((0, None), [0, 1], SHARES[0])]

    def truth(self):
        """The watts of each domain of each place that ours has to show; of AMD's cores, and psys, the machine's at None."""
        watts = {}
        for place, _, share in self.places():
            watts[place, "package"] = WATTS["package"] * share
            for domain in () if self.variant.silent else self.tried.kind.domains:
                if domain == "psys":
                    watts[None, domain] = WATTS[domain]
                elif domain == "core" and self.is_amd:
                    watts[None, domain] = watts.get((None, domain), 0) + WATTS[domain] * share
                else:
                    watts[place, domain] = WATTS[domain] * share
        return watts

    def plan(self):
        registers, kind = AMD if self.is_amd else INTEL, self.tried.kind
        lines = [f"0-1 {registers['units']:#x} value {kind.exponent << 8 | POWER_EXPONENT | 0xA0000:#x}"]
        if not self.is_amd:
            lines.append(f"0-1 {registers['limits']:#x} value {LIMIT_WATTS << POWER_EXPONENT}")
        for place, cpus, share in self.places():
            lines.append(self._counter(registers["package"], "package", cpus, share))
            for domain in kind.domains:
                # The machine has one psys; the first package shows it.
                if domain == "psys" and 0 not in cpus:
                    continue
                if self.variant.silent:
                    lines.append(f"{_list(cpus)} {registers[domain]:#x} {self.variant.silent}")
                elif domain == "core" and self.is_amd:
                    lines += [self._counter(registers[domain], domain, [cpu], share / len(cpus)) for cpu in cpus]
                else:
                    lines.append(self._counter(registers[domain], domain, cpus, share))
        return "\n".join(lines) + "\n"

    def _counter(self, address, domain, cpus, share):
        rate = WATTS[domain] * share / self.tried.kind.joules(domain)
        start = 0x1000000
        if self.variant.wraps:
            start = (1 << 32) - int(rate * WRAP_SECONDS)
        if self.variant.bits == 64:
            start += 5 << 32
        return f"{_list(cpus)} {address:#x} counter {start:#x} {rate:.6f} {self.variant.bits}"

    def __enter__(self):
        plan = os.path.join(self.folder, "plan")
        with open(plan, "w") as file:
            file.write(self.plan())
        packages = self.variant.packages
        command = [device_program, "--tree", self.root, "--registers", plan, "--cpus-per-package", str(self.CPUS // packages)]
        self._device = subprocess.Popen(
            command + ["--watts", "1"] * packages, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = self._device.stdout.readline()
        if said != "ready\n":
            raise RuntimeError(f"the msr device says {said!r}")
        self.begun = time.monotonic()
        with open(os.path.join(self.root, "proc/cpuinfo"), "w") as file:
            file.write(product.cpuinfo(self.tried.cpu, self.CPUS))
        if self.variant.dies == 2:
            for cpu in range(self.CPUS):
                topology = os.path.join(self.root, f"sys/devices/system/cpu/cpu{cpu}/topology")
                for name, text in (("die_id", cpu), ("die_cpus_list", cpu), ("die_cpus", f"{1 << cpu:x}")):
                    with open(os.path.join(topology, name), "w") as file:
                        file.write(f"{text}\n")
        return self

    def __exit__(self, *error):
        self._device.terminate()
        self._device.wait()

    def namespace(self):
        """A command that runs the one behind it where this machine's registers and CPUs stand for the real ones."""
        script = (
            'mkdir -p /dev/cpu && mount --bind "$0/dev/cpu" /dev/cpu && '
            'mount --bind "$0/sys/devices/system/cpu" /sys/devices/system/cpu && exec "$@"')
        return ["unshare", "-m", "sh", "-c", script, self.root]


def _list(cpus):
    return ",".join(map(str, cpus))


def build_device():
    global device_program
    device_program = build("msr-device", "Tests/MSRDevice")
