"""The machine comes up without the msr module, gets it back, and loses the package."""

import json
import os

import machine
from harness import check, expect, run, wait_for
from service import SOCKET, UNIT, Journal, restart, served, show, systemctl

_MARK = "/var/tmp/second-boot"
with open(_MARK) as _file:
    _left = json.load(_file)


def first_failures(mark):
    return _left["failures"]


@check("booted without the msr module, the service says so and what to do, and systemd shows it as failed")
def _():
    wait_for("the end of its tries", lambda: show(UNIT, "ActiveState") == "failed", 60)
    log = run("journalctl", "-b", "-o", "cat", "-u", UNIT)
    says = "Cannot open /dev/cpu/0/msr: it does not exist; the kernel's msr module is not loaded."
    expect(says in log, log)
    return says


@check("with the module back, a restart serves")
def _():
    os.rename("/var/tmp/msr.ko", _left["module"])
    run("insmod", "/mnt/registers/rapl_registers.ko")
    restart()
    return served()


@check("removed and purged, the package leaves nothing behind but logs")
def _():
    run("dpkg", "--remove", "pkg-watt-stat")
    run("dpkg", "--purge", "pkg-watt-stat")
    after = machine.state()
    for kind, before in _left["before"].items():
        before = {tuple(entry) if isinstance(entry, list) else entry for entry in before}
        new = {entry for entry in after[kind] - before if kind != "nodes" or entry[0].startswith("/dev")}
        expect(not new, f"{kind} left: {sorted(new)}")
    expect(not run("systemctl", "list-units", "--all", "--plain", "--no-legend", "pkg-watt-stat*").strip(), "units left")
