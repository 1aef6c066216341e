"""no-capability.conf: systemd opens the registers, and the service never holds a capability."""

import glob
import os
import re
import subprocess
import time

from harness import check, expect, run, wait_for
from service import ALL_WATTS, SOCKET, UNIT, DropIn, Journal, expect_watts, online, pid, readings, restart, running, served, show, systemctl, threads

VERSION = int(run("systemctl", "--version").split()[1])
CPUS = os.cpu_count()
DRIVER = 202

# Opens a node, and reads it after everything is given up.
HOLDER = """
import os, sys
os.dup2(os.open("/dev/cpu/0/msr", os.O_RDONLY), 3)
os.set_inheritable(3, True)
os.execvp("setpriv", ["setpriv", "--reuid=alice", "--regid=alice", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all",
    "python3", "-c", "import os; print([line for line in open('/proc/self/status') if line.startswith('CapEff')], len(os.pread(3, 8, 0x611)))"])
"""

# Passes a node to the service by a name.
PASSER = """
import os, sys
os.dup2(os.open(sys.argv[1], os.O_RDONLY), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES=sys.argv[2])
os.execvp("setpriv", ["setpriv", "--reuid=pkg-watt-stat", "--regid=pkg-watt-stat", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all",
    "pkg-watt-stat", "serve", "--source", "passed", "--socket", "/tmp/passed.sock"])
"""


def text(**replaced):
    with open("/usr/share/pkg-watt-stat/no-capability.conf") as file:
        text = file.read()
    for old, new in replaced.values():
        expect(old in text, text)
        text = text.replace(old, new)
    return text


def rated(most):
    output = run("systemd-analyze", "security", "--no-pager", f"--threshold={most}", UNIT)
    return re.search(r"Overall exposure level.*: ([0-9.]+)", output).group(1)


def expect_nothing(process):
    """No thread has a capability, in any set, or can get one."""
    count = 0
    for thread in threads(process):
        count += 1
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            expect(int(thread[name], 16) == 0, f"{name} is {thread[name]}")
        expect(thread["NoNewPrivs"] == "1" and thread["Seccomp"] == "2", f"{thread}")
    expect(count >= 2, f"{count} threads")
    return f"{count} threads"


def nodes(process):
    """The CPUs whose nodes a process has open."""
    devices = {os.stat(f"/proc/{process}/fd/{name}").st_rdev for name in os.listdir(f"/proc/{process}/fd")}
    return sorted(os.minor(device) for device in devices if os.major(device) == DRIVER)


@check("the kernel asks for CAP_SYS_RAWIO when a node is opened, and not when it is read")
def _():
    said = run("python3", "-c", HOLDER).strip()
    expect(said == r"['CapEff:\t0000000000000000\n'] 8", said)
    return said


@check("by default the service is rated 0.8 or lower")
def _():
    restart()
    return rated(8)


@check("with its drop-in it has no capability in any set of any thread, sees no device, serves, and is rated 0.4 or lower")
def _():
    journal = Journal()
    with DropIn("no-capability", text()):
        watts = served()
        count = expect_nothing(pid())
        expect(not glob.glob(f"/proc/{pid()}/root/dev/cpu/*"), "it sees register nodes")
        expect(nodes(pid()) == list(range(CPUS)), f"it has the nodes of {nodes(pid())}")
        journal.wait("from its msr registers, which the service manager has opened")
        if VERSION >= 253:
            way = "OpenFile="
            expect("/dev/cpu/0/msr:msr0:" in systemctl("show", "--property", "OpenFile", UNIT), systemctl("cat", UNIT))
        else:
            way = "root's step"
            expect(show(UNIT, "NFileDescriptorStore") == str(CPUS), show(UNIT, "NFileDescriptorStore"))
        said = run("pkg-watt-stat", "doctor")
        expect("from its msr registers, which the service manager has opened" in said, said)
        return f"systemd {VERSION}, {way}: {watts}, {count}, {rated(4)}"


@check("so it is from its first instruction on", slow=True)
def _():
    start = "/bin/sh -c 'grep ^Cap /proc/self/status >&2; exec /usr/bin/pkg-watt-stat serve --source passed'"
    journal = Journal()
    with DropIn("no-capability", text(start=("/usr/bin/pkg-watt-stat serve --source passed", start))):
        served()
        sets = re.findall(r"^(Cap\w+):\s*([0-9a-f]+)", journal.text(), re.MULTILINE)
        expect(len(sets) == 5 and all(int(value, 16) == 0 for _, value in sets), f"{sets}: {journal.text()}")
        return ", ".join(name for name, _ in sets)


@check("so a CPU that goes offline is read through its neighbour, by the same process, and a package is back when it is back", slow=True)
def _():
    with DropIn("no-capability", text()):
        served()
        old = pid()
        online(2, False)
        lines = readings(count=4)
        expect_watts(ALL_WATTS, lines[-1])
        online(3, False)
        wait_for("a stale line", lambda: readings()[0]["status"] == "stale")
        for cpu in (2, 3):
            online(cpu, True)
        watts = served()
        expect(pid() == old, "it was started anew")
        return watts


@check("a CPU that comes online later ends it with status 75, and systemd starts it anew with that CPU's node too", slow=True)
def _():
    with DropIn("no-capability", text()):
        systemctl("stop", SOCKET, UNIT)
        online(3, False)
        try:
            systemctl("start", UNIT)
            served()
            old = pid()
            expect(nodes(old) == [cpu for cpu in range(CPUS) if cpu != 3], f"it has the nodes of {nodes(old)}")
            journal = Journal()
            # It looks for one while somebody listens.
            listener = subprocess.Popen(["/usr/bin/pkg-watt-stat", "read", "--follow"], stdout=subprocess.DEVNULL)
        finally:
            online(3, True)
        begin = time.monotonic()
        journal.wait("CPU 3 came online after startup")
        journal.wait("status=75/")
        wait_for("another process", lambda: running() not in (0, old))
        watts = served()
        expect(nodes(pid()) == list(range(CPUS)), f"it has the nodes of {nodes(pid())}")
        listener.wait(timeout=30)
        expect_nothing(pid())
        return f"{watts} after {time.monotonic() - begin:.1f} s"


@check("killed, it is started with the same nodes again", slow=True)
def _():
    with DropIn("no-capability", text()):
        served()
        old = pid()
        os.kill(old, 9)
        wait_for("another process", lambda: running() not in (0, old))
        watts = served()
        expect(nodes(pid()) == list(range(CPUS)), f"it has the nodes of {nodes(pid())}")
        return watts


@check("without the msr module, starting it loads that, and gets its nodes", slow=True)
def _():
    with DropIn("no-capability", text()):
        systemctl("stop", SOCKET, UNIT)
        run("modprobe", "-r", "msr")
        systemctl("start", UNIT)
        return served()


@check("a node of another CPU, and another device, are refused by name")
def _():
    said = run("python3", "-c", PASSER, "/dev/cpu/1/msr", "msr0", fails=True)
    expect("Descriptor 3 (msr0) from the service manager is the register node of CPU 1; pass it under the name msr1." in said, said)
    other = run("python3", "-c", PASSER, "/dev/null", "msr0", fails=True)
    expect("Descriptor 3 (msr0) from the service manager is not the register node of CPU 0" in other, other)
    return said.strip()


@check("with powercap it needs no capability either", slow=True)
def _():
    with DropIn("no-capability", text(source=("--source passed", "--source powercap"))):
        watts = served()
        expect_nothing(pid())
        return f"{watts}, {rated(4)}"


@check("without the drop-in, it opens its registers itself again")
def _():
    restart()
    watts = served()
    expect(not glob.glob(f"/run/systemd/generator/{UNIT}.d/*"), "the generator has left a file")
    return watts
