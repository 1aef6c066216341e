"""The package is installed, used, and put under stress."""

import glob
import json
import os
import re
import signal
import stat
import subprocess
import time

import upgrade
from crowd import Crowd
from harness import Failure, Impossible, check, expect, run, wait_for
from service import (
    ALL_WATTS, EXPORTER, GROUP, PACKAGE_WATTS, PATHS, RAW_IO, SCRAPE, SOCKET, TMP_SOCKET, UNIT, DropIn, Journal, answers, child, expect_confined,
    expect_watts, online, pid, readings, restart, running, served, show, systemctl, threads, uptime,
)

@check("the package installs, and the service serves the watts of both packages")
def _():
    output = run("dpkg", "--install", "/mnt/package.deb")
    expect(show(UNIT, "ActiveState") == "active", f"{output} {systemctl('status', UNIT, fails=True)}")
    return served()


@check("the socket alone starts the service, and an ordinary user reads both packages through both paths")
def _():
    systemctl("stop", SOCKET, UNIT)
    for path in PATHS:
        wait_for(f"{path} to be gone", lambda path=path: not os.path.exists(path))
    systemctl("start", SOCKET)
    expect(show(UNIT, "ActiveState") == "inactive", "the service runs before anybody asks")
    found = [expect_watts(ALL_WATTS, readings(path, 3)[-1]) for path in PATHS]
    expect(show(UNIT, "ActiveState") == "active", "the service does not run")
    return " and ".join(found)


@check("who asks gets watts and joules of both packages; a member of the group gets them finer")
def _():
    info, sample = answers("info", "sample")
    expect(not info["policy"]["trusted"] and info["policy"]["trusted_group"] == "pkg-watt-stat", f"{info}")
    for package, watts in zip(sample["packages"], PACKAGE_WATTS, strict=True):
        expect(abs(package["watts"] / watts - 1) < 0.02 and package["joules"] > 0, f"{sample}")
    expect(sample["service"]["cpu_seconds"] > 0 and sample["service"]["wakeups"] > 0, f"{sample}")
    (trusted,) = answers("info", groups="pkg-watt-stat")
    expect(trusted["policy"]["trusted"] and trusted["policy"]["shortest_interval_seconds"] == 0.01, f"{trusted}")
    return f"{sample['watts']} W, {sample['joules']} J"


@check("enabling the service alone brings its socket along")
def _():
    systemctl("disable", "--now", UNIT, SOCKET)
    systemctl("enable", "--now", UNIT)
    expect(show(SOCKET, "ActiveState") == "active" and show(SOCKET, "UnitFileState") == "enabled", "no socket")
    return served()


@check("every thread has the service's user, CAP_SYS_RAWIO only, a system-call filter and no_new_privs")
def _():
    return expect_confined(pid(), RAW_IO)


@check("an ordinary user cannot open a register node, nor can one of the register group without the capability")
def _():
    opening = "import sys\ntry: open('/dev/cpu/0/msr', 'rb')\nexcept PermissionError as error: print(error.strerror)"
    ordinary = run("python3", "-c", opening, user="alice").strip()
    expect(ordinary == "Permission denied", ordinary)
    member = run("setpriv", "--reuid=alice", f"--regid={GROUP}", "--clear-groups", "--", "python3", "-c", opening).strip()
    expect(member == "Operation not permitted", member)
    return f"{ordinary}; {member}"


@check("sealed, it has no capability at all, and goes on measuring")
def _():
    with open("/usr/share/pkg-watt-stat/seal.conf") as file, DropIn("seal", file.read()):
        served()
        return expect_confined(pid(), 0)


@check("with its drop-in, turbostat measures, and has CAP_SYS_RAWIO only")
def _():
    with open("/usr/share/pkg-watt-stat/turbostat.conf") as file, DropIn("turbostat", file.read()):
        watts = served(seconds=60)
        turbostat = child(pid())
        expect("turbostat" in open(f"/proc/{turbostat}/cmdline").read(), "its child is not turbostat")
        expect_confined(turbostat, RAW_IO)
        expect_confined(pid(), RAW_IO)
        return watts


@check("powercap, which the kernel shows to root only, is readable for the service")
def _():
    text = "[Service]\nExecStart=\nExecStart=/usr/bin/pkg-watt-stat serve --source powercap\n"
    with DropIn("powercap", text):
        return served()


@check("a socket for a group is closed to others")
def _():
    run("groupadd", "power")
    run("useradd", "--groups", "power", "bob")
    text = "[Socket]\nSocketGroup=power\nSocketMode=0660\n"
    with DropIn("group", text, TMP_SOCKET), DropIn("group", text, SOCKET):
        for path in PATHS:
            expect_watts(ALL_WATTS, readings(path, user="bob", count=3)[-1])
            try:
                readings(path)
            except Failure as failure:
                expect("Permission denied" in str(failure), f"{failure}")
            else:
                raise Failure(f"alice reads it at {path}")
    run("userdel", "--remove", "bob", fails=True)
    run("groupdel", "power")


@check("whatever lies at the path in /tmp is left alone, the service serves in /run, and says which command starts the other")
def _():
    path, command = PATHS[1], "sudo systemctl restart pkg-watt-stat.service"
    for place, take in [(os.mkdir, os.rmdir), (lambda path: open(path, "x").close(), os.remove)]:
        systemctl("stop", SOCKET, UNIT)
        wait_for("the path to be free", lambda: not os.path.exists(path))
        place(path)
        journal = Journal()
        restart()
        served()
        journal.wait(f"Not serving at {path}, because {TMP_SOCKET} did not start.")
        journal.wait(command)
        expect(show(TMP_SOCKET, "ActiveState") == "failed" and not stat.S_ISSOCK(os.stat(path).st_mode), "it was taken")
        take(path)
        run(*command.split()[1:])
        expect_watts(ALL_WATTS, readings(path)[0], percent=5)
        served()
    return command


@check("clients that come during a restart are served after it, none is refused")
def _():
    restart()
    served()
    crowd = Crowd()
    restart()
    watts = served()
    return crowd.end() + ", " + watts


@check("clients that come during an upgrade of the package are served after it, none is refused")
def _():
    crowd = Crowd()
    systemctl("reset-failed", UNIT)
    old = pid()
    run("dpkg", "--install", "/mnt/package.deb")
    watts = served()
    expect(pid() != old, "the old one still runs")
    return crowd.end() + ", " + watts


@check("killed with -9, it is back at once, and no client is refused")
def _():
    systemctl("reset-failed", UNIT)
    journal, crowd, old = Journal(), Crowd(), pid()
    os.kill(old, signal.SIGKILL)
    wait_for("another process", lambda: running() not in (0, old))
    watts = served()
    journal.wait("code=killed, status=9/KILL")
    return crowd.end(cut=1) + ", " + watts


@check("one that hangs is started anew by the watchdog")
def _():
    with DropIn("watchdog", "[Service]\nWatchdogSec=4\n"):
        served()
        journal, old = Journal(), pid()
        os.kill(old, signal.SIGSTOP)
        journal.wait("Watchdog timeout")
        wait_for("another process", lambda: running() not in (0, old))
        return served()


@check("without the msr module, starting the service loads it, and waits for its nodes' group")
def _():
    systemctl("stop", SOCKET, UNIT)
    run("modprobe", "-r", "msr")
    journal = Journal()
    systemctl("start", UNIT)
    watts = served()
    expect("Cannot" not in journal.text(), journal.text())
    return watts


@check("a CPU that goes offline is read through its neighbour")
def _():
    restart()
    served()
    for cpu in (2, 1):
        online(cpu, False)
        lines = readings(count=4)
        online(cpu, True)
        expect_watts(ALL_WATTS, lines[-1])
    return served()


@check("a package that goes offline makes the reading stale, and it recovers without a restart")
def _():
    restart()
    served()
    journal, old = Journal(), pid()
    for cpu in (2, 3):
        online(cpu, False)
    wait_for("a stale line", lambda: readings()[0]["status"] == "stale")
    for cpu in (2, 3):
        online(cpu, True)
    watts = served()
    expect(pid() == old, f"it was started anew: {journal.text()}")
    return watts


def package_comes_later():
    systemctl("stop", SOCKET, UNIT)
    for cpu in (2, 3):
        online(cpu, False)
    systemctl("start", UNIT)
    alone = served(PACKAGE_WATTS[0])
    journal = Journal()
    # It looks for one while somebody listens.
    listener = subprocess.Popen(["/usr/bin/pkg-watt-stat", "read", "--follow"], stdout=subprocess.DEVNULL)
    for cpu in (2, 3):
        online(cpu, True)
    journal.wait("CPU package 1 came online after startup")
    listener.wait(timeout=30)
    return f"{alone}, then {served()}"


@check("a package that is offline at the start and comes later is measured from then on")
def _():
    return package_comes_later()


@check("so it is when sealed", slow=True)
def _():
    with open("/usr/share/pkg-watt-stat/seal.conf") as file, DropIn("seal", file.read()):
        said = package_comes_later()
        expect_confined(pid(), 0)
        return said


@check("after suspend and resume the readings are right, without a spike, from the same process")
def _():
    restart()
    served()
    if "mem" not in open("/sys/power/state").read().split():
        raise Impossible("this kernel knows no suspend to memory here: " + open("/sys/power/state").read().strip())
    reader = subprocess.Popen(
        ["/usr/bin/pkg-watt-stat", "read", "--json", "--follow"], stdout=subprocess.PIPE, text=True)
    old, begin = pid(), (time.monotonic(), uptime())
    run("rtcwake", "--mode", "mem", "--seconds", "5", timeout=60)
    slept = (uptime() - begin[1]) - (time.monotonic() - begin[0])
    expect(slept > 1, f"it slept {slept:.1f} s only")
    watts = served()
    time.sleep(2)
    reader.send_signal(signal.SIGINT)
    lines = [json.loads(line) for line in reader.communicate()[0].splitlines()]
    worst = max(line["power_watts"] for line in lines)
    expect(worst < ALL_WATTS * 1.01, f"a spike of {worst} W")
    expect(pid() == old, "it was started anew")
    return f"slept {slept:.1f} s, {watts}"


@check("over 20 s, cross-check agrees with the real turbostat and with powercap within 1 %, for both packages")
def _():
    output = run("pkg-watt-stat", "cross-check", "--duration", "20", "--json")
    result = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    expect(result["verdict"] == "agree", output)
    return result["sentence"]


@check("the status names watts and clients")
def _():
    found = wait_for("a status", lambda: re.match(r"([0-9.]+) W \(ok\); .*client.*", show(UNIT, "StatusText")))
    expect(abs(float(found[1]) - ALL_WATTS) <= ALL_WATTS * 0.01, found[0])
    return found[0]


@check("the exporter is there for who wants it: a passing user without rights, that serves both packages to this machine")
def _():
    expect(show(EXPORTER, "UnitFileState") == "disabled", "it is enabled by itself")
    systemctl("start", EXPORTER)
    try:
        for thread in threads(running(EXPORTER)):
            expect(int(thread["Uid"].split()[0]) >= 61184, f"Uid is {thread['Uid']}")
            expect(int(thread["CapBnd"], 16) == 0 and thread["Seccomp"] == "2" and thread["NoNewPrivs"] == "1", f"{thread}")
        metrics = dict(line.rsplit(" ", 1) for line in run("python3", "-ISc", SCRAPE, user="alice").splitlines() if line and line[0] != "#")
        found = []
        for package, watts in enumerate(PACKAGE_WATTS):
            power = float(metrics[f'pkg_watt_stat_power_watts{{package="{package}",domain="package"}}'])
            expect(abs(power - watts) <= watts * 0.02, f"package {package}: {power} W")
            found.append(f"{power} W")
        return " and ".join(found)
    finally:
        systemctl("stop", EXPORTER)


@check("the doctor finds the service running")
def _():
    said = run("pkg-watt-stat", "doctor")
    expect(said.count("The service answers at") == 1 and f"at {' and '.join(PATHS)}: " in said, said)
    return said.strip().splitlines()[-1]


@check("the kernel and systemd have no complaint about the units")
def _():
    complaints = [
        line for line in run("journalctl", "-b", "-p", "warning", "-o", "cat").splitlines() if "pkg-watt-stat" in line
    ]
    # Of the checks themselves: what lay at the path in /tmp.
    known = ("is there and is not a socket", "Failed to listen on", "did not start. Once", "Watchdog timeout", "Failed with result", "code=killed", "Killing process", "code=dumped", "code=exited")
    unknown = [line for line in complaints if not any(word in line for word in known)]
    expect(not unknown, "\n".join(unknown))


def leave(mark, failures):
    """Leaves for the second boot: how many failed, what was here before the installation, and no msr module."""
    module = run("modinfo", "-n", "msr").strip()
    os.rename(module, "/var/tmp/msr.ko")
    with open(mark, "w") as file:
        json.dump({"failures": failures, "before": {key: sorted(value) for key, value in upgrade.before.items()}, "module": module}, file)
