"""The kernel's energy events: a PMU of ours stands for the kernel's own, which this guest's CPU does not have."""

import json

from harness import check, expect, run, wait_for
from service import (
    ALL_WATTS, PERFMON, SOCKET, UNIT, DropIn, Journal, expect_confined, expect_watts, online, pid, readings, running,
    served, systemctl,
)

_PARANOID = "/proc/sys/kernel/perf_event_paranoid"


def _drop_in():
    with open("/usr/share/pkg-watt-stat/perf.conf") as file:
        return DropIn("perf", file.read())


def _check_as_alice(fails):
    return run("pkg-watt-stat", "serve", "--check", "--source", "perf", user="alice", fails=fails)


@check("with its drop-in, perf measures both packages, and no thread has any capability")
def _():
    run("insmod", "/mnt/registers/rapl_events.ko")
    with _drop_in():
        return f"{served()}, {expect_confined(pid(), 0, bounding=PERFMON)}"


@check("over 20 s, cross-check agrees with turbostat, powercap and perf within 1 %, for both packages")
def _():
    output = run("pkg-watt-stat", "cross-check", "--duration", "20", "--json")
    result = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    names = [report["reference"] for report in result["reports"]]
    expect(result["verdict"] == "agree" and names == ["turbostat", "powercap", "perf"], output)
    return result["sentence"]


@check("if the CPU that counts goes offline, the kernel moves its events, and the same process goes on")
def _():
    with _drop_in():
        served()
        old = pid()
        online(2, False)
        lines = readings(count=4)
        online(2, True)
        expect_watts(ALL_WATTS, lines[-1])
        expect(pid() == old, "it was started anew")
        return served()


@check("if a package goes offline, the reading becomes stale; once it is back, the service starts anew and measures it")
def _():
    with _drop_in():
        served()
        journal, old = Journal(), pid()
        for cpu in (2, 3):
            online(cpu, False)
        wait_for("a stale line", lambda: readings()[0]["status"] == "stale")
        for cpu in (2, 3):
            online(cpu, True)
        # It looks while somebody listens, every 10 s at most.
        wait_for("another process", lambda: readings() and running() not in (0, old), seconds=60)
        journal.wait("The kernel's energy events of package 1 stopped")
        return served()


@check("without CAP_PERFMON the events are opened only if kernel.perf_event_paranoid is 0 or less")
def _():
    with open(_PARANOID) as file:
        before = file.read()
    try:
        for level in (3, 2, 1, 0, -1):
            with open(_PARANOID, "w") as file:
                file.write(str(level))
            said = _check_as_alice(fails=level > 0)
            wanted = "Cannot open the event power/energy-pkg/ on CPU 0: without CAP_PERFMON" if level > 0 else "(perf)"
            expect(wanted in said, f"level {level}: {said}")
        return said.strip()
    finally:
        with open(_PARANOID, "w") as file:
            file.write(before)


@check("the unit itself may not open them, and the journal says why")
def _():
    journal = Journal()
    try:
        with DropIn("perf", "[Service]\nExecStart=\nExecStart=/usr/bin/pkg-watt-stat serve --source perf\n"):
            pass
    except Exception:
        pass
    journal.wait("Cannot open the event power/energy-pkg/ on CPU 0")
    systemctl("reset-failed", UNIT, SOCKET, fails=True)


@check("auto measures with perf if there are no register nodes, and the doctor names both")
def _():
    hidden = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /dev/cpu && exec "$@"', "sh"]
    said = run(*hidden, "pkg-watt-stat", "serve", "--check")
    expect("2 packages, from the kernel's energy events (perf)" in said, said)
    expect("Measuring with perf instead of the msr registers. Cannot open /dev/cpu/" in said, said)
    doctor = run("pkg-watt-stat", "doctor")
    expect("by its msr registers and by perf and by powercap" in doctor, doctor)
    return doctor.strip().splitlines()[-1]


@check("with its module gone, perf is said to be missing")
def _():
    run("rmmod", "rapl_events")
    said = run("pkg-watt-stat", "serve", "--check", "--source", "perf", fails=True)
    expect("The kernel has no energy events" in said and "sudo modprobe rapl" in said, said)
    systemctl("start", UNIT)
    return served()
