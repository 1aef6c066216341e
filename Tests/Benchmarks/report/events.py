"""All four counters of a package, by the kernel's energy events and by registers: system calls and instructions, counted."""

import os
import re
import subprocess
import tempfile

from . import machine

# The kernel's CPU clock stands for its energy: one nanosecond is one count, at the scale of its PMU of energy.
_PMU = """
set -e; P=/sys/bus/event_source/devices/power; mount -t tmpfs none /sys/bus/event_source/devices
mkdir -p $P/events; echo 1 >$P/type; echo 0 >$P/cpumask
for event in pkg cores gpu ram; do
  name=$P/events/energy-$event; echo event=0x00 >$name; echo Joules >$name.unit
  echo 2.3283064365386962890625e-10 >$name.scale
done
exec "$@"
"""
# The line to the client is sent, and read.
_CLIENT = 2


def _run(arguments, samples, *command, pattern):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        root = os.path.join(folder, "machine")
        machine.in_memory(root, domains=True)
        program, *rest = command
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", _PMU, "sh", "valgrind", *(each.format(folder=folder) for each in arguments), program, root,
             str(samples), *rest], check=True, capture_output=True, text=True)
        if str(samples) not in done.stdout.split():
            raise SystemExit(f"benchmark: {program} sent {done.stdout.strip()} of {samples} samples")
        return pattern(done.stderr)


def _difference(arguments, *command, pattern):
    """For each sample: start and end left out."""
    counts = [_run(arguments, samples, *command, pattern=pattern) for samples in (100, 300)]
    return (counts[1] - counts[0]) / 200


def _instructions(*command):
    return _difference(
        ["--tool=callgrind", "--callgrind-out-file={folder}/out"], *command,
        pattern=lambda text: int(re.search(r"Collected : (\d+)", text).group(1)))


def _calls(*command):
    calls = _difference(
        ["--tool=none", "--trace-syscalls=yes"], *command,
        pattern=lambda text: len(re.findall(r"^SYSCALL\[.*sys_(?:read|pread64|sendto)", text, re.MULTILINE)))
    return calls - _CLIENT


def rows(table, programs):
    if os.getuid() != 0:
        return table.note("No row of perf: it needs root, for its mount.")
    try:
        instructions = _instructions(programs.sampling, "perf")
    except subprocess.CalledProcessError as error:
        return table.note(f"No row of perf: {error.stderr.strip().splitlines()[-1]}")
    table.row(
        "perf, 4 counters: instructions for each sample", instructions, _instructions(programs.event_floor), most_ratio=1.0,
        digits=0)
    # The machine of registers has two packages.
    table.row(
        "perf, 4 counters: system calls for each package", _calls(programs.sampling, "perf"),
        _calls(programs.sampling, "msr") / 2, most=1.2, digits=2)
