"""The service as systemd and /proc show it, and as an ordinary user reads it."""

import grp
import json
import os
import pwd
import re
import time

from harness import Failure, expect, run, wait_for

UNIT = "pkg-watt-stat.service"
SOCKET = "pkg-watt-stat.socket"
TMP_SOCKET = "pkg-watt-stat-tmp.socket"
GROUP = "pkg-watt-stat-registers"
EXPORTER = "pkg-watt-stat-exporter.service"
TREE = "pkg-watt-stat-powercap.service"
PATHS = ["/run/pkg-watt-stat/pkg-watt-stat.sock", "/tmp/pkg-watt-stat.sock"]
PACKAGE_WATTS = [42.5, 17.25]
ALL_WATTS = sum(PACKAGE_WATTS)
RAW_IO = 1 << 17
PERFMON = 1 << 38

READER = """
import json, socket, sys
connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
connection.settimeout(20)
connection.connect(sys.argv[1])
lines = connection.makefile()
for _ in range(int(sys.argv[2])):
    line = lines.readline()
    if not line: sys.exit("closed without a line")
    print(json.dumps(json.loads(line)), flush=True)
"""

ASKER = """
import socket, sys
connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
connection.settimeout(20)
connection.connect(sys.argv[1])
lines = connection.makefile("rw")
for request in sys.argv[2:]:
    print(request, file=lines, flush=True)
    while '"power_watts"' in (line := lines.readline()): pass
    print(line, end="")
"""

SCRAPE = """
import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:10611/metrics", timeout=20).read().decode())
"""


_units_changed = False


def systemctl(*arguments, fails=False):
    """systemctl(1), after it has read what drop-ins have changed."""
    global _units_changed
    if _units_changed and arguments[0] in ("start", "restart", "enable"):
        run("systemctl", "daemon-reload")
        _units_changed = False
    return run("systemctl", *arguments, fails=fails)


def show(unit, name):
    return systemctl("show", "--property", name, "--value", unit).strip()


def pid():
    """The service's process."""
    found = running()
    expect(found, "the service does not run")
    return found


def running(unit=UNIT):
    """The service's process, or 0."""
    return int(show(unit, "MainPID"))


def readings(path=PATHS[0], count=1, user="alice"):
    """Lines that an ordinary user reads."""
    return [json.loads(line) for line in run("python3", "-ISc", READER, path, str(count), user=user).splitlines()]


def answers(*names, groups=None):
    """What an ordinary user, or one of these groups, is told by {"get": NAME}, in one connection."""
    requests = [json.dumps({"get": name}) for name in names]
    command = ["python3", "-ISc", ASKER, PATHS[0], *requests]
    if groups:
        command = ["setpriv", "--reuid=alice", "--regid=alice", f"--groups={groups}", "--", *command]
        return _members(run(*command), names)
    return _members(run(*command, user="alice"), names)


def _members(output, names):
    return [json.loads(line)[name] for line, name in zip(output.splitlines(), names, strict=True)]


def expect_watts(watts, reading, percent=1.0):
    expect(reading["status"] == "ok", f"the status is not ok: {reading}")
    off = abs(reading["power_watts"] - watts) / watts * 100
    expect(off <= percent, f"{reading['power_watts']} W is {off:.2f} % off {watts} W")
    return f"{reading['power_watts']} W"


def served(watts=ALL_WATTS, seconds=30):
    """Waits until an ordinary user reads these watts, good and fresh."""
    last = None

    def good():
        nonlocal last
        try:
            last = readings()[0]
            return expect_watts(watts, last)
        except Failure as failure:
            last = failure
            return None

    try:
        return wait_for(f"{watts} W", good, seconds)
    except Failure as failure:
        raise Failure(f"{failure}; the last was {last}")


def restart(unit=UNIT):
    # The checks start it more often than its start limit allows.
    systemctl("reset-failed", UNIT, SOCKET, TMP_SOCKET, TREE, fails=True)
    systemctl("restart", unit)


class Journal:
    """What the service, or another unit, logs from here on."""

    def __init__(self, unit=UNIT):
        self.units = {UNIT, SOCKET, TMP_SOCKET} if unit == UNIT else {unit}
        self.cursor = re.search(r"-- cursor: (.*)", run("journalctl", "-n0", "--show-cursor")).group(1)

    def text(self):
        # Not by -u: with it, journalctl skips an entry too many if the one at the cursor is another unit's.
        entries = map(json.loads, run("journalctl", "--after-cursor", self.cursor, "-o", "json").splitlines())
        ours = [entry for entry in entries if self.units & {entry.get("UNIT"), entry.get("_SYSTEMD_UNIT")}]
        # A message that is not UTF-8 comes as a list of bytes.
        return "\n".join(str(entry["MESSAGE"]) for entry in ours)

    def wait(self, words, seconds=30):
        try:
            return wait_for(f"{words!r} in the journal", lambda: words in self.text(), seconds)
        except Failure as failure:
            raise Failure(f"{failure}: {self.text()[-1500:]}")


def note_change():
    global _units_changed
    _units_changed = True


class DropIn:
    """A drop-in of a unit, for the time of a `with`."""

    def __init__(self, name, text, unit=UNIT):
        self.unit = unit
        self.folder = f"/etc/systemd/system/{unit}.d"
        self.path = f"{self.folder}/{name}.conf"
        self.text = text

    def __enter__(self):
        os.makedirs(self.folder, exist_ok=True)
        with open(self.path, "w") as file:
            file.write(self.text)
        note_change()
        try:
            restart(self.unit)
        except Failure:
            self.remove()
            raise
        return self

    def __exit__(self, *error):
        self.remove()
        # What comes next starts it as it needs it.
        systemctl("stop", SOCKET, UNIT)

    def remove(self):
        os.remove(self.path)
        os.rmdir(self.folder)
        note_change()


def child(process):
    """A process's child."""
    for task in os.listdir(f"/proc/{process}/task"):
        with open(f"/proc/{process}/task/{task}/children") as file:
            if children := file.read().split():
                return int(children[0])
    raise Failure(f"process {process} has no child")


def threads(process):
    """The status of each thread, as a dictionary of its lines."""
    for task in os.listdir(f"/proc/{process}/task"):
        with open(f"/proc/{process}/task/{task}/status") as file:
            yield dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def expect_confined(process, capabilities, bounding=RAW_IO):
    """Every thread has the service's user, these capabilities, a system-call filter, and no way to more."""
    user, group = pwd.getpwnam("pkg-watt-stat").pw_uid, grp.getgrnam(GROUP).gr_gid
    count = 0
    for thread in threads(process):
        count += 1
        for name, wanted in {"CapEff": capabilities, "CapPrm": capabilities}.items():
            expect(int(thread[name], 16) == wanted, f"{name} is {thread[name]}")
        for name in ("CapInh", "CapAmb"):
            expect(int(thread[name], 16) & ~capabilities == 0, f"{name} is {thread[name]}")
        expect(thread["Groups"].split() in ([], [str(group)]), f"Groups is {thread['Groups']}")
        expect(set(thread["Gid"].split()) == {str(group)}, f"Gid is {thread['Gid']}")
        expect(int(thread["CapBnd"], 16) == bounding, f"CapBnd is {thread['CapBnd']}")
        expect(thread["Seccomp"] == "2", f"Seccomp is {thread['Seccomp']}")
        expect(thread["NoNewPrivs"] == "1", f"NoNewPrivs is {thread['NoNewPrivs']}")
        expect(set(thread["Uid"].split()) == {str(user)}, f"Uid is {thread['Uid']}")
    expect(count > 0, "there is no thread")
    return f"{count} threads"


def online(cpu, state):
    with open(f"/sys/devices/system/cpu/cpu{cpu}/online", "w") as file:
        file.write("1" if state else "0")


def uptime():
    return time.clock_gettime(time.CLOCK_BOOTTIME)
