"""The kernel's energy events: a PMU of ours stands for the kernel's own, which this guest's CPU does not have."""

import json
import os
import subprocess

from harness import Failure, check, expect, run, wait_for
from service import (
    ALL_WATTS, PERFMON, SOCKET, UNIT, DropIn, Journal, child, expect_confined, expect_watts, online, pid, readings, restart, running,
    served, systemctl,
)

_PARANOID = "/proc/sys/kernel/perf_event_paranoid"


def _drop_in():
    with open("/usr/share/pkg-watt-stat/perf.conf") as file:
        return DropIn("perf", file.read())


def _set_level(level):
    with open(_PARANOID, "w") as file:
        file.write(str(level))


def _check(*capabilities):
    """As an ordinary user with only these capabilities."""
    listed = ",".join(f"+{name}" for name in capabilities)
    gains = [f"--inh-caps={listed}", f"--ambient-caps={listed}"] if listed else []
    return run(
        "setpriv", "--reuid=alice", "--regid=alice", "--init-groups", *gains, "--", "pkg-watt-stat", "serve", "--check", "--source", "perf",
        fails=True)


@check("the kernel's own PMU, which has no events for this CPU, is refused with that reason")
def _():
    said = run("pkg-watt-stat", "serve", "--check", "--source", "perf", fails=True)
    expect("/sys/bus/event_source/devices/power/events has no event energy-pkg" in said, said)
    return said.splitlines()[0]


@check("with its drop-in, perf measures both packages, and no thread has any capability")
def _():
    run("modprobe", "-r", "rapl")
    run("insmod", "/mnt/registers/rapl_events.ko")
    # Debian's own level, 3, asks for CAP_SYS_ADMIN.
    _set_level(2)
    with _drop_in():
        watts = served()
        return f"{watts}, {expect_confined(pid(), 0, bounding=PERFMON)}: no capability, and a bounding set of CAP_PERFMON"


def _opened(process):
    """What the child of a process has open: register nodes by their CPU, and how many events."""
    try:
        reader = child(process)
        links = [os.readlink(f"/proc/{reader}/fd/{name}") for name in os.listdir(f"/proc/{reader}/fd")]
    except (OSError, Failure):
        return None
    nodes = sorted(link for link in links if link.startswith("/dev/cpu/"))
    return nodes and (nodes, sum("perf_event" in link for link in links))


@check("over 20 s, cross-check agrees with turbostat, powercap and perf within 1 %, for both packages", slow=True)
def _():
    checking = subprocess.Popen(
        ["/usr/bin/pkg-watt-stat", "cross-check", "--duration", "20", "--json"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True)
    # A turbostat that knows perf would take that instead.
    nodes, events = wait_for("turbostat's registers", lambda: _opened(checking.pid))
    output, _ = checking.communicate(timeout=120)
    result = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    names = [report["reference"] for report in result["reports"]]
    expect(result["verdict"] == "agree" and names == ["turbostat", "powercap", "perf"], output)
    rows = []
    for report in result["reports"]:
        packages = [row for row in report["comparisons"] if row["domain"] == "package"]
        # The last is the sum.
        expect([row["package"] for row in packages] == [0, 1, None], output)
        expect(all(abs(row["difference_percent"]) <= 1 for row in packages), output)
        rows += [
            f"{report['reference']} {'sum' if row['package'] is None else row['package']}: {row['ours_watts']:.3f} W and {row['reference_watts']:.3f} W,"
            f" {row['difference_percent']:+.3f} %" for row in packages]
    version = run("turbostat", "--version").splitlines()[0]
    expect("registers" in result["reports"][0]["reads"] and events == 0, f"turbostat has {events} events open: {output}")
    return f"{'; '.join(rows)}; {version} read {result['reports'][0]['reads']}: {', '.join(nodes)}, and no event"


@check("if the CPU that counts goes offline, the kernel moves its events, and the same process goes on", slow=True)
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


@check("if a package goes offline, the reading becomes stale; once it is back, the service starts anew and measures it", slow=True)
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


@check("the events are opened with CAP_PERFMON up to kernel.perf_event_paranoid 2, without it up to 0, and for root at any", slow=True)
def _():
    try:
        for level, capabilities, opens in [
            (3, ["perfmon"], False), (3, ["sys_admin"], True), (2, [], False), (2, ["perfmon"], True), (1, [], False), (0, [], True),
            (-1, [], True),
        ]:
            _set_level(level)
            said = _check(*capabilities)
            wanted = "(perf)" if opens else "Cannot open the event power/energy-pkg/ on CPU 0: the kernel does not allow it"
            expect(wanted in said, f"level {level} with {capabilities}: {said}")
        return said.strip()
    finally:
        _set_level(2)


@check("the unit itself may not open them, and the journal says why", slow=True)
def _():
    journal = Journal()
    try:
        with DropIn("perf", "[Service]\nExecStart=\nExecStart=/usr/bin/pkg-watt-stat serve --source perf\n"):
            pass
    except Failure:
        pass
    journal.wait("Cannot open the event power/energy-pkg/ on CPU 0")
    systemctl("reset-failed", UNIT, SOCKET, fails=True)


@check("auto measures with perf if there are no register nodes, and the doctor names both")
def _():
    hidden = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /dev/cpu && exec "$@"', "sh"]
    said = run(*hidden, "pkg-watt-stat", "serve", "--check")
    expect("2 packages, from the kernel's energy events (perf)" in said, said)
    expect("Measuring with perf instead of the msr registers. /dev/cpu/0/msr does not exist" in said, said)
    doctor = run("pkg-watt-stat", "doctor")
    expect("by its msr registers and by perf and by powercap" in doctor, doctor)
    return doctor.strip().splitlines()[-1]


@check("with its module gone, perf is said to be missing")
def _():
    systemctl("stop", SOCKET, UNIT)
    _set_level(3)
    run("rmmod", "rapl_events")
    said = run("pkg-watt-stat", "serve", "--check", "--source", "perf", fails=True)
    # Of a virtual machine, in which the module would find nothing either.
    expect("The kernel has no energy events" in said and "measure on the physical machine" in said, said)
    run("modprobe", "rapl")
    restart()
    return served()
