"""Programs that read the kernel's powercap, unchanged. Tests/Consumers has how each of them is asked."""

import glob
import os
import sys

from harness import check, run, wait_for

# One after the other, so that the emulator keeps up, and for less time than on a real machine.
os.environ.update(
    REAL="1", PROGRAM="/usr/bin/pkg-watt-stat", FOREIGN="node_exporter,powercap-info,s-tui", SECONDS="12", TOP="/mnt")
sys.path.append("/mnt/consumers")


def far_from_the_wrap():
    """A minute of package 0, in microjoules; not all programs know that counters begin again."""
    return all(
        int(run("cat", f"{zone}/max_energy_range_uj")) - int(run("cat", f"{zone}/energy_uj")) > 60 * 42_500_000
        for zone in glob.glob("/sys/class/powercap/intel-rapl:?"))


@check("the powercap tree's package installs, for programs that read the kernel's powercap")
def _():
    run("dpkg", "--install", "/mnt/powercap.deb")
    wait_for("counters that do not wrap soon", far_from_the_wrap, 150)


import foreign  # noqa: E402, F401


@check("the powercap tree's package goes after them")
def _():
    run("dpkg", "--purge", "pkg-watt-stat-powercap")
