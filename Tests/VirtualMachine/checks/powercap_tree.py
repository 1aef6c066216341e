"""pkg-watt-stat-powercap.service: the powercap tree for everyone, also in the place of the kernel's own files."""

import contextlib
import glob
import os
import re
import signal
import subprocess
import sys
import time

import machine
from harness import Failure, check, expect, run, wait_for
from service import ALL_WATTS, PACKAGE_WATTS, SOCKET, TREE, UNIT, DropIn, Journal, pid, restart, running, served, show, systemctl, threads

FOLDER = "/run/pkg-watt-stat/powercap"
KERNEL = "/sys/class/powercap"
WATCHDOG = 20
DRAM_WATTS = [3.25, 1.5]

# Prints how long each read took, and its error, until it has failed or has been gone for so long.
READER = """
import sys, time
file = open(sys.argv[1], "rb", buffering=0)
print("open", flush=True)
begin = time.monotonic()
while True:
    before = time.monotonic()
    try:
        file.seek(0)
        file.read(64)
    except OSError as error:
        print(f"{time.monotonic() - before:.2f} {error.strerror}")
        break
    if before - begin > 60: sys.exit("it goes on for ever")
    time.sleep(0.02)
"""


# Prints the watts of each file over some seconds, as programs do: they take the time once, and then read all zones. If the first read
# has to wait for the service, all zones give the energy of the moment at which it began.
METER = """
import sys, time
def energies():
    begin = time.monotonic()
    values = []
    for path in sys.argv[1:]:
        with open(path) as file: values.append(int(file.read()))
    return begin, values
energies()
begin, first = energies()
time.sleep(8)
end, last = energies()
for before, after in zip(first, last):
    print((after - before) / 1e6 / (end - begin))
"""


def microjoules(path, user="alice"):
    return int(run("cat", path, user=user))


def expect_zones(folder, user="alice"):
    """All zones show what they should, by their names."""
    folders = sorted(glob.glob(f"{folder}/intel-rapl:*"))
    expect(len(folders) == 4, f"{folders}")
    output = run("python3", "-ISc", METER, *[f"{zone}/energy_uj" for zone in folders], user=user)
    said = []
    for zone, found in zip(folders, map(float, output.split()), strict=True):
        with open(f"{zone}/name") as file:
            name = file.read().strip()
        package = int(os.path.basename(zone).split(":")[1])
        expected = (DRAM_WATTS if name == "dram" else PACKAGE_WATTS)[package]
        # The emulator may make the reader late.
        expect(abs(found / expected - 1) < 0.03, f"{zone} ({name}) shows {found:.2f} W in place of {expected} W")
        said.append(f"{name} {found:.2f} W")
    return ", ".join(said)


def mounts():
    """Our mounts, anywhere on the machine: also in the namespaces of other units."""
    found = set()
    for table in glob.glob("/proc/[0-9]*/mountinfo"):
        with contextlib.suppress(OSError), open(table) as file:
            found.update(line.split()[4] for line in file if " - fuse.pkg-watt-stat " in line)
    return found


def covered():
    """The kernel's files that are covered."""
    return {path for path in mounts() if path.startswith("/sys/")}


def expect_uncovered():
    wait_for("the mounts to go", lambda: not mounts())
    for path in glob.glob(f"{KERNEL}/intel-rapl:*/energy_uj"):
        expect(os.stat(path).st_mode & 0o777 == 0o440, f"{path} has {oct(os.stat(path).st_mode)}")


def expect_covered():
    wait_for("all zones to be covered", lambda: len(covered()) == 2 * len(glob.glob(f"{KERNEL}/intel-rapl:*")))


class Reader:
    """An ordinary user, or root, who reads a file again and again."""

    def __init__(self, path, user="alice"):
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--", sys.executable, "-ISc", READER, path]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        time.sleep(0.5)

    def end(self):
        """It must have got an error by now, in time."""
        output, _ = self.process.communicate(timeout=70)
        expect(re.match(r"\d", output), f"the reader says: {output}")
        seconds = float(output.split()[0])
        expect(seconds <= WATCHDOG + 2, f"a reader hung for {seconds} s")
        return f"{seconds:.1f} s, then {output.split(maxsplit=1)[1].strip()}"


@contextlib.contextmanager
def covering(source=""):
    """The tree covers the kernel's files; the service measures by a source."""
    with open("/usr/share/pkg-watt-stat/cover.conf") as file:
        text = file.read()
    command = f"[Service]\nExecStart=\nExecStart=/usr/bin/pkg-watt-stat serve {source}\n"
    systemctl("enable", TREE)
    try:
        with DropIn("source", command), DropIn("cover", text, TREE):
            wait_for("the tree", lambda: show(TREE, "ActiveState") == "active")
            expect_covered()
            yield
    finally:
        systemctl("disable", "--now", TREE)
        systemctl("reset-failed", TREE, UNIT, fails=True)


@check("the powercap package installs, and its unit is off until the administrator wants it")
def _():
    # Other checks leave the service stopped.
    restart()
    run("dpkg", "--install", "/mnt/powercap.deb")
    expect(show(TREE, "ActiveState") == "inactive" and show(TREE, "UnitFileState") == "disabled", show(TREE, "ActiveState"))
    expect(not mounts(), f"{mounts()}")


@check("started, it shows the energy of all packages and domains to an ordinary user; the kernel's files stay closed")
def _():
    systemctl("start", TREE)
    said = expect_zones(FOLDER)
    expect(mounts() == {FOLDER}, f"{mounts()}")
    try:
        microjoules(f"{KERNEL}/intel-rapl:0/energy_uj")
    except Failure as failure:
        expect("Permission denied" in str(failure), f"{failure}")
    else:
        raise Failure("the kernel's file is open")
    return said


@check("its server has no right, a user of its own, and no device but its FUSE connection; its mount is read-only, nosuid, nodev and noexec")
def _():
    server = running(TREE)
    count = 0
    for thread in threads(server):
        count += 1
        expect(int(thread["Uid"].split()[0]) >= 61184, f"Uid is {thread['Uid']}")
        for name in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"):
            expect(int(thread[name], 16) == 0, f"{name} is {thread[name]}")
        expect(thread["Seccomp"] == "2" and thread["NoNewPrivs"] == "1", f"{thread}")
    links = [os.readlink(path) for path in glob.glob(f"/proc/{server}/fd/*")]
    devices = sorted({link for link in links if link.startswith("/dev/")})
    expect(devices == ["/dev/fuse", "/dev/null"], f"{links}")
    with open("/proc/self/mountinfo") as file:
        (line,) = [line for line in file if " - fuse.pkg-watt-stat " in line]
    options = set(line.split()[5].split(","))
    expect({"ro", "nosuid", "nodev", "noexec"} <= options and "allow_other" in line and "default_permissions" in line, line)
    return f"{count} threads, {', '.join(devices)}; {line.split()[5]}"


@check("started twice it is one, and stopped it leaves no mount, no folder and no reader")
def _():
    old = running(TREE)
    systemctl("start", TREE)
    expect(running(TREE) == old and mounts() == {FOLDER}, f"{mounts()}")
    reader, root = Reader(f"{FOLDER}/intel-rapl:0/energy_uj"), Reader(f"{FOLDER}/intel-rapl:1/energy_uj", "root")
    systemctl("stop", TREE)
    expect(not mounts() and not os.path.exists(FOLDER), f"{mounts()}")
    return f"readers: {reader.end()}; {root.end()}"


@check("a place that is a link, somebody else's, or mounted on already is refused with the reason, and left alone", slow=True)
def _():
    said = []
    for prepare, undo, reason in [
        (lambda: os.symlink("/root", FOLDER), lambda: os.remove(FOLDER), "is a symbolic link"),
        (lambda: (os.mkdir(FOLDER), run("chown", "alice", FOLDER)), lambda: os.path.exists(FOLDER) and os.rmdir(FOLDER), "belongs to another user"),
        (lambda: (os.mkdir(FOLDER), run("mount", "-t", "tmpfs", "none", FOLDER)), lambda: (run("umount", FOLDER), os.rmdir(FOLDER)), "Something else is mounted on"),
    ]:
        systemctl("reset-failed", TREE, fails=True)
        prepare()
        journal = Journal(TREE)
        systemctl("start", TREE, fails=True)
        expect(show(TREE, "ActiveState") != "active", "it has started")
        systemctl("stop", TREE)
        said.append(journal.wait(reason) and reason)
        undo()
    expect(not mounts(), f"{mounts()}")
    systemctl("reset-failed", TREE, fails=True)
    return "; ".join(said)


@check("with the drop-in it is in the place of the kernel's files too: for everyone, root included, in all zones")
def _():
    with covering("--source msr"):
        ordinary = expect_zones(KERNEL)
        expect_zones(KERNEL, "root")
        # What is not energy is the kernel's own.
        expect(os.path.exists(f"{KERNEL}/intel-rapl:0/constraint_0_power_limit_uw"), "the power limits are gone")
        root, tree = (int(run("cat", f"{place}/intel-rapl:0/max_energy_range_uj")) for place in (KERNEL, FOLDER))
        expect(root == tree, f"{root} and {tree}")
    expect_uncovered()
    return ordinary


@check("killed with -9 while it covers, its readers get an error at once, root's too, and it is back", slow=True)
def _():
    with covering("--source msr"):
        for _ in range(2):
            old = running(TREE)
            readers = [Reader(f"{KERNEL}/intel-rapl:0/energy_uj"), Reader(f"{FOLDER}/intel-rapl:0/energy_uj", "root")]
            os.kill(old, signal.SIGKILL)
            said = [reader.end() for reader in readers]
            wait_for("another process", lambda old=old: running(TREE) not in (0, old) and show(TREE, "ActiveState") == "active")
            expect_covered()
        expect_zones(KERNEL)
    expect_uncovered()
    return "; ".join(said)


@check("stopped by SIGSTOP while it covers, the watchdog ends it: no reader hangs longer, and it is back", slow=True)
def _():
    with covering("--source msr"):
        old, journal = running(TREE), Journal(TREE)
        readers = [Reader(f"{KERNEL}/intel-rapl:1/energy_uj"), Reader(f"{FOLDER}/intel-rapl:0/energy_uj", "root")]
        os.kill(old, signal.SIGSTOP)
        said = [reader.end() for reader in readers]
        journal.wait("Watchdog timeout")
        wait_for("another process", lambda: running(TREE) not in (0, old) and show(TREE, "ActiveState") == "active")
        expect_covered()
        # Also without a restart, and if it is stopped while it does not run.
        os.kill(running(TREE), signal.SIGSTOP)
        begin = time.monotonic()
        systemctl("stop", TREE)
        expect_uncovered()
        return f"{'; '.join(said)}; then stopped within {time.monotonic() - begin:.1f} s"


@check("a service that measures by powercap reads the kernel's own files after any restart, in any order, and the tree shows its energy", slow=True)
def _():
    with covering("--source powercap"):
        said = [served()]

        def settled():
            wait_for("the tree", lambda: show(UNIT, "ActiveState") == "active" and show(TREE, "ActiveState") == "active")
            expect_covered()
            said.append(served())
            # Its files are the kernel's: sysfs, not ours.
            links = [os.readlink(path) for path in glob.glob(f"/proc/{pid()}/fd/*")]
            energy = [link for link in links if link.endswith("/energy_uj")]
            expect(energy and all(link.startswith("/sys/devices/virtual/powercap/") for link in energy), f"{links}")

        settled()
        for step in [
            lambda: restart(UNIT), lambda: restart(TREE), lambda: (restart(TREE), restart(UNIT)), lambda: restart(SOCKET),
            lambda: (systemctl("stop", UNIT), expect_uncovered(), systemctl("start", UNIT)),
            lambda: (systemctl("stop", TREE), restart(UNIT), systemctl("start", TREE)),
            lambda: os.kill(pid(), signal.SIGKILL), lambda: os.kill(running(TREE), signal.SIGKILL),
        ]:
            systemctl("reset-failed", UNIT, TREE, fails=True)
            old = (running(), running(TREE))
            step()
            wait_for("another process", lambda old=old: (running(), running(TREE)) != old)
            settled()
        said.append(expect_zones(KERNEL))
    expect_uncovered()
    return f"{len(said) - 1} times {ALL_WATTS} W; {said[-1]}"


@check("zones that appear after the mount, with the kernel's module, are covered too, and a service that measures by powercap reads the new ones", slow=True)
def _():
    with covering("--source powercap"):
        served()
        listener = subprocess.Popen(["/usr/bin/pkg-watt-stat", "read", "--follow"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        old = pid()
        run("modprobe", "-r", "intel_rapl_msr", "intel_rapl_common")
        expect(not glob.glob(f"{KERNEL}/intel-rapl:*"), "the zones stay")
        # Mounts on a folder that is gone go with the next look at it.
        expect(not os.path.exists("/sys/devices/virtual/powercap/intel-rapl/intel-rapl:0"), "the zones stay")
        expect(not covered(), f"{covered()}")
        run("modprobe", "intel_rapl_msr")
        run("udevadm", "settle")
        expect_covered()
        wait_for("the service to start anew", lambda: running() not in (0, old), 60)
        listener.wait(timeout=60)
        wait_for("the tree", lambda: show(TREE, "ActiveState") == "active")
        expect_covered()
        watts = served()
        said = expect_zones(KERNEL)
    expect_uncovered()
    return f"{watts}; {said}"


@check("without powercap in the kernel the tree is there all the same, and it covers zones once they come", slow=True)
def _():
    run("modprobe", "-r", "intel_rapl_msr", "intel_rapl_common")
    with open("/usr/share/pkg-watt-stat/cover.conf") as file, DropIn("cover", file.read(), TREE):
        journal = Journal(TREE)
        restart(TREE)
        journal.wait("has no powercap")
        expect_zones(FOLDER)
        expect(mounts() == {FOLDER}, f"{mounts()}")
        run("modprobe", "intel_rapl_msr")
        run("udevadm", "settle")
        expect_covered()
        said = expect_zones(KERNEL)
    systemctl("stop", TREE)
    expect_uncovered()
    return said


@check("removed and purged while it covers, its package leaves nothing behind, and the service goes on")
def _():
    restart()
    with open("/usr/share/pkg-watt-stat/cover.conf") as file:
        text = file.read()
    systemctl("enable", TREE)
    folder = f"/etc/systemd/system/{TREE}.d"
    os.makedirs(folder)
    with open(f"{folder}/cover.conf", "w") as file:
        file.write(text)
    run("systemctl", "daemon-reload")
    systemctl("start", TREE)
    expect_covered()
    old = pid()
    run("dpkg", "--remove", "pkg-watt-stat-powercap")
    expect_uncovered()
    run("dpkg", "--purge", "pkg-watt-stat-powercap")
    os.remove(f"{folder}/cover.conf")
    os.rmdir(folder)
    run("systemctl", "daemon-reload")
    left = [path for path in machine.files() if "powercap" in path and "pkg-watt-stat" in path]
    expect(not left and not os.path.exists(FOLDER), f"left: {left}")
    expect(not os.path.exists(f"/etc/systemd/system/{UNIT}.wants"), "the folder of its link is left")
    expect(pid() == old, "the service was started anew")
    return served()
