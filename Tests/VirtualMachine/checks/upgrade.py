"""Version 0.2.0 is installed, upgraded while clients are there, and removed."""

import glob
import grp
import json
import os
import subprocess
import sys

import machine
from crowd import Crowd
from harness import check, expect, run, wait_for
from service import (
    ALL_WATTS, GROUP, PATHS, SOCKET, TMP_SOCKET, UNIT, expect_watts, pid, readings, served, show, systemctl,
)

# What was here before anything was installed.
before = {}

# Whether each unit was enabled before the upgrade, and what the user has added to the service's.
enabled = {}
DROP_IN = f"/etc/systemd/system/{UNIT}.d/mine.conf"
SETTING = "[Service]\nEnvironment=SET_BY=its-user\n"

# Reads lines until its stdin ends, and comes back at once whenever the service has gone.
FOLLOWER = """
import json, selectors, socket, sys
selector = selectors.DefaultSelector()
selector.register(sys.stdin, selectors.EVENT_READ)
said = dict(lines=0, connections=0, refused=0, reset=0)
def come():
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.connect(sys.argv[1])
    except OSError:
        said["refused"] += 1
        client.close()
        return None
    said["connections"] += 1
    selector.register(client, selectors.EVENT_READ)
    return client
client = come()
while True:
    if client is None: client = come()
    ready = [key.fileobj for key, _ in selector.select(0.02 if client is None else None)]
    if sys.stdin in ready: break
    if client not in ready: continue
    try:
        line = client.recv(4096)
    except OSError:
        line = b""
        said["reset"] += 1
    said["lines"] += line.count(b"\\n")
    if said["lines"] == 1: print("served", flush=True)
    if not line:
        selector.unregister(client)
        client.close()
        client = None
print(json.dumps(said))
"""


class Follower:
    def __init__(self, path):
        command = ["setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "--", sys.executable, "-ISc", FOLLOWER, path]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def end(self):
        """Ends it. It must have been served by one service and then by the next, and never refused."""
        output, _ = self.process.communicate(timeout=60)
        said = json.loads(output.splitlines()[-1])
        expect(said["connections"] == 2 and said["refused"] == 0 and said["reset"] == 0 and said["lines"] > 2, f"{said}")


def _groups():
    """The groups of the register nodes."""
    nodes = glob.glob("/dev/cpu/*/msr") + glob.glob("/sys/class/powercap/intel-rapl:*/energy_uj")
    return {grp.getgrgid(os.stat(node).st_gid).gr_name for node in nodes}


def _enabled():
    """Whether each unit of the old version is enabled."""
    return {unit: run("systemctl", "is-enabled", unit, fails=True).strip() for unit in (UNIT, SOCKET)}


@check("the guest is up, and its registers are live")
def _():
    run("insmod", "/mnt/registers/rapl_registers.ko")
    run("modprobe", "msr")
    run("modprobe", "-r", "intel_rapl_msr", "intel_rapl_common")
    run("modprobe", "intel_rapl_msr")
    run("udevadm", "settle")
    expect(len(glob.glob("/dev/cpu/*/msr")) == 4, f"{glob.glob('/dev/cpu/*')}")
    expect(len(glob.glob("/sys/class/powercap/intel-rapl:?")) == 2, f"{glob.glob('/sys/class/powercap/*')}")
    before.update(machine.state())
    return f"Linux {os.uname().release}, systemd {run('systemctl', '--version').split()[1]}"


@check("version 0.2.0 installs and serves, from one socket unit and with the register nodes in the group msr")
def _():
    run("dpkg", "--install", "/mnt/previous.deb")
    expect(all(path in show(SOCKET, "Listen") for path in PATHS), show(SOCKET, "Listen"))
    expect(_groups() == {"msr"}, f"{_groups()}")
    return served()


@check("upgraded with clients at both paths, it has two socket units; none is refused, cut off or left unserved")
def _():
    os.makedirs(os.path.dirname(DROP_IN), exist_ok=True)
    with open(DROP_IN, "w") as file:
        file.write(SETTING)
    systemctl("daemon-reload")
    enabled.update(_enabled())
    # Somebody else uses the group.
    run("usermod", "--append", "--groups", "msr", "alice")
    old = pid()
    crowds, followers = [Crowd(path) for path in PATHS], [Follower(path) for path in PATHS]
    output = run("dpkg", "--install", "/mnt/package.deb")
    watts = served()
    expect(pid() != old, "the old one still runs")
    for follower in followers:
        follower.end()
    # Where a unit takes over a path, systemd removes the old socket right before it binds its own: one client may come in between.
    said = [crowd.end(missed=1) for crowd in crowds]
    for unit, path in zip((SOCKET, TMP_SOCKET), PATHS, strict=True):
        expect(show(unit, "ActiveState") == "active" and show(unit, "Listen") == f"{path} (Stream)", f"{unit}: {output}")
        expect_watts(ALL_WATTS, readings(path)[0], percent=5)
    expect("group msr, remove it" in output, output)
    return "; ".join([*said, watts])


@check("the user's drop-in and what was enabled have survived the upgrade, and the service runs with it")
def _():
    with open(DROP_IN) as file:
        expect(file.read() == SETTING, f"{DROP_IN} was changed")
    with open(f"/proc/{pid()}/environ") as file:
        expect("SET_BY=its-user" in file.read().split("\0"), systemctl("cat", UNIT))
    expect(_enabled() == enabled and enabled[SOCKET] == "enabled", f"{enabled} before, {_enabled()} now")
    os.remove(DROP_IN)
    os.rmdir(os.path.dirname(DROP_IN))
    systemctl("daemon-reload")
    return ", ".join(f"{unit} {state}" for unit, state in enabled.items())


@check("the register nodes have moved to a group of their own without members, and the group msr is as it was")
def _():
    expect(_groups() == {GROUP}, f"{_groups()}")
    expect(grp.getgrnam(GROUP).gr_mem == [] and grp.getgrnam("msr").gr_mem == ["alice"], f"{grp.getgrall()}")


@check("restarted after the upgrade, it serves at both paths as before")
def _():
    for unit in (UNIT, SOCKET):
        systemctl("restart", unit)
        for path in PATHS:
            expect_watts(ALL_WATTS, readings(path)[0], percent=5)
    return served()


@check("upgraded while only the socket is there, and nothing is enabled, it serves at both paths too", slow=True)
def _():
    run("dpkg", "--purge", "pkg-watt-stat")
    run("dpkg", "--install", "/mnt/previous.deb")
    systemctl("stop", UNIT)
    systemctl("disable", UNIT)
    run("dpkg", "--install", "/mnt/package.deb")
    for path in PATHS:
        expect_watts(ALL_WATTS, readings(path)[0], percent=5)


@check("settings of the old socket unit are not left behind: the new one stays closed until it has them too", slow=True)
def _():
    run("dpkg", "--purge", "pkg-watt-stat")
    run("dpkg", "--install", "/mnt/previous.deb")
    folder = f"/etc/systemd/system/{SOCKET}.d"
    os.makedirs(folder)
    with open(f"{folder}/group.conf", "w") as file:
        file.write("[Socket]\nSocketMode=0600\n")
    systemctl("daemon-reload")
    systemctl("restart", SOCKET)
    output = run("dpkg", "--install", "/mnt/package.deb")
    expect("unmask pkg-watt-stat-tmp.socket" in output, output)
    expect(show(TMP_SOCKET, "LoadState") == "masked", show(TMP_SOCKET, "LoadState"))
    os.remove(f"{folder}/group.conf")
    os.rmdir(folder)


@check("removed and purged after an upgrade, nothing is left behind but the group msr, which is somebody else's")
def _():
    run("dpkg", "--purge", "pkg-watt-stat")
    after = machine.state()
    expect("msr" in after["groups"], f"{after['groups']}")
    run("gpasswd", "--delete", "alice", "msr")
    run("groupdel", "msr")
    after["groups"].discard("msr")
    # Backups of what the checks themselves have changed.
    for kind in before:
        new = {entry for entry in after[kind] - before[kind] if kind != "files" or not str(entry).endswith("-")}
        expect(not new, f"{kind} left: {sorted(new)}")
    wait_for("the units to be gone", lambda: not run(
        "systemctl", "list-units", "--all", "--plain", "--no-legend", "pkg-watt-stat*").strip())
