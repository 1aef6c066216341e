"""Machines of two packages, one CPU each, whose registers are no hardware's."""

import os
import struct
import subprocess


def in_memory(folder, domains=False):
    """Registers are files in memory, with those of core, uncore and DRAM if asked for. Addresses as in the Intel SDM, volume 4."""
    system = os.path.join(folder, "sys/devices/system/cpu")
    os.makedirs(os.path.join(folder, "proc"))
    for cpu in (0, 1):
        os.makedirs(os.path.join(folder, f"dev/cpu/{cpu}"))
        os.makedirs(os.path.join(system, f"cpu{cpu}/topology"))
        with open(os.path.join(system, f"cpu{cpu}/topology/physical_package_id"), "w") as file:
            file.write(f"{cpu}\n")
        registers = bytearray(4096)
        registers[0x606:0x60E] = struct.pack("<Q", 0xA0E03)
        # Never at one value: one counter under two names is read once.
        registers[0x611:0x615] = struct.pack("<I", 1000 + cpu * 0x1000000)
        for address in (0x639, 0x641, 0x619) if domains else ():
            registers[address:address + 4] = struct.pack("<I", 1000)
        with open(os.path.join(folder, f"dev/cpu/{cpu}/msr"), "wb") as file:
            file.write(registers)
    with open(os.path.join(system, "online"), "w") as file:
        file.write("0-1\n")
    with open(os.path.join(folder, "proc/cpuinfo"), "w") as file:
        file.write("vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: In memory\n")


class Device:
    """Registers are served by a FUSE file system, as the kernel's msr driver serves them, and move by themselves."""

    lack = (
        "needs root, for its mount" if os.getuid() != 0
        else None if os.access("/dev/fuse", os.R_OK) else "there is no /dev/fuse")

    def __init__(self, program, folder, *options, watts=("42.5", "17.25")):
        os.makedirs(folder)
        self.process = subprocess.Popen(
            [program, "--tree", folder, *(f"--watts={each}" for each in watts), *options], stdout=subprocess.PIPE, text=True)
        if "ready" not in self.process.stdout.readline():
            raise SystemExit("benchmark: the msr device does not start")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait()


def namespace(folder):
    """A command that runs the one behind it where this machine stands for the real one."""
    binds = " && ".join(
        f"mount --bind {folder}/{name} /{name}" for name in ("dev/cpu", "sys/devices/system/cpu", "sys/class"))
    return ["unshare", "-m", "sh", "-c", f'mkdir -p /dev/cpu && {binds} && exec "$@"', "sh"]
