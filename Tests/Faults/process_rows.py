"""Faults of the process and of what it stands on: sockets, signals, memory, logs, /proc."""

import os
import signal
import socket
import subprocess
import tempfile
import time

import case as cases
from bad_clients import BadClients
from case import SIMULATED, Case
from harness import expect, wait_for
from memory import MemoryLimit
from service import Service
from table import fault
from witness import Witness


def looked_after(case):
    """The service says that its socket has gone, and those who have come go on. Gives how long it took."""
    began = time.monotonic()
    case.service.says("Somebody has removed or replaced", seconds=30)
    took = time.monotonic() - began
    return f"{case.judge()}; said after {took:.0f} s"


@fault("socket path removed", "said in the log; those connected miss nothing", needs=None)
def _():
    with Case() as case:
        os.remove(case.service.path)
        said = looked_after(case)
        expect(case.service.end() == 0, "it did not end in order")
        return said


@fault("socket path replaced", "said; the other's socket is left alone", needs=None)
def _():
    with Case() as case, socket.socket(socket.AF_UNIX) as other:
        os.remove(case.service.path)
        other.bind(case.service.path)
        said = looked_after(case)
        expect(case.service.end() == 0 and os.path.exists(case.service.path), "the other's socket has gone")
        return said


@fault("two instances", "the second refuses, exit code 1; the first serves on", needs=None, short=True)
def _():
    with Case() as case:
        command = [cases.program, "serve", *SIMULATED, "--socket", case.service.path]
        second = subprocess.run(command, capture_output=True, text=True, timeout=30)
        sentence = f"Another program is already serving at {case.service.path}"
        expect(second.returncode == 1 and sentence in second.stderr, f"{second.returncode}: {second.stderr}")
        return case.judge()


@fault("SIGKILL and restart", "its socket is taken over; energy counts anew, exact", needs=None, short=True)
def _():
    with Case() as case:
        case.service.end(signal.SIGKILL)
        wait_for("the end of a connection", lambda: case.witness.ended)
        expect(os.path.exists(case.service.path), "the dead service's socket has gone")
        case.serve()
        said = case.judge()
        case.service.end_in_order()
        return said


@fault(
    "SIGTERM during a broadcast", "no half line, five times; exit code 0, no socket left", needs=None, short=True,
    alone=True)
def _():
    lines = 0
    for number in range(5):
        with tempfile.TemporaryDirectory() as folder:
            service = Service(cases.program, folder, *SIMULATED, "--interval", "0.05")
            with BadClients("counts_ends", service.path, 3000) as crowd:
                # Somewhere in the 50 ms from broadcast to broadcast, of which each takes several.
                time.sleep(0.5 + number * 0.011)
                service.end_in_order()
                crowd.process.wait(30)
            seen = crowd.seen
            expect(seen["ended"] == 3000 and seen.get("half", 0) == 0 and seen["lines"] > 3000, f"{seen}")
            lines += seen["lines"]
    return f"{lines} lines to 5 x 3,000 clients, all whole; exit code 0 each time"


@fault("memory limit of a control group", "2,000 clients that never read fit into 48 MB", needs="root", alone=True)
def _():
    with MemoryLimit(48) as limit:
        with Case(wrapper=limit.wrapper) as case, BadClients("never_reads", case.service.path, 2000):
            case.witness.fresh(8)
            return f"{case.judge_among_others()}; {limit.peak_megabytes():.0f} MB at most"


@fault("memory limit that is too small", "the kernel ends it whole; the next one takes over", needs="root", alone=True)
def _():
    with MemoryLimit(8) as limit, Case(wrapper=limit.wrapper) as case:
        with BadClients("never_reads", case.service.path, 2000):
            wait_for("the end of the service", lambda: case.service.process.poll() is not None)
        code = case.service.process.returncode
        expect(code == -signal.SIGKILL, f"it ended with {code}: {case.service.log()[-600:]}")
        case.serve()
        return case.judge()


@fault("memory limit by ulimit -v", "the same in 256 MB of addresses", needs=None, alone=True)
def _():
    with Case(wrapper=["prlimit", f"--as={256 << 20}"]) as case, BadClients("never_reads", case.service.path, 2000):
        case.witness.fresh(8)
        return case.judge_among_others()


@fault("full disk for the log", "serves on", needs=None, short=True)
def _():
    with open("/dev/full", "wb") as full, Case(stderr=full) as case:
        return case.judge()


@fault("closed stderr", "serves on; no socket gets its number", needs="root", short=True)
def _():
    with Case(wrapper=["sh", "-c", 'exec "$@" 2>&-', "sh"]) as case:
        stderr = os.readlink(f"/proc/{case.service.pid}/fd/2")
        expect(stderr == "/dev/null", f"stderr is {stderr}")
        return case.judge()


@fault("log whose reader has gone", "serves on", needs=None)
def _():
    end, stderr = os.pipe()
    try:
        with Case(stderr=stderr) as case:
            os.close(end)
            end = None
            # Each is a line at this level.
            for _ in range(20):
                Witness(case.service.path).close()
            return case.judge()
    finally:
        os.close(stderr)
        if end is not None:
            os.close(end)


@fault("no /proc", "refuses, says why, exit code 1, no socket", needs="root", short=True)
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "watts.sock")
        said = []
        for how in ("umount -l /proc", "mount -t tmpfs none /proc"):
            command = ["unshare", "-m", "sh", "-c", how + ' && exec "$@"', "sh", cases.program, "serve", *SIMULATED]
            done = subprocess.run([*command, "--socket", path], capture_output=True, text=True, timeout=30)
            expect(done.returncode == 1 and "mount /proc" in done.stderr, f"{how}: {done.returncode}, {done.stderr}")
            expect(not os.listdir(folder), f"{how}: left {os.listdir(folder)}")
            said.append(done.stderr.strip().rpartition("Error: ")[2])
        return said[0]
