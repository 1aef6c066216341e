"""Faults of the process and of what it stands on: sockets, signals, memory, logs, /proc."""

import fcntl
import os
import pty
import re
import select
import signal
import socket
import subprocess
import tempfile
import termios
import time
import tty

import case as cases
from bad_clients import BadClients
from case import SIMULATED, Case
from harness import expect, wait_for
from memory import MemoryLimit
from places import IS_ROOT
from service import Service
from table import fault
from witness import Witness


def looked_after(case, saying):
    """The service says what became of its socket, and those who have come go on. Gives how long it took."""
    began = time.monotonic()
    case.service.says(saying, seconds=30)
    took = time.monotonic() - began
    return f"{case.judge()}; said after {took:.0f} s"


@fault("socket path removed", "put back and said; those connected miss nothing", needs=None)
def _():
    with Case() as case:
        os.remove(case.service.path)
        said = looked_after(case, "was deleted; the service made it again")
        late = Witness(case.service.path)
        late.fresh()
        late.close()
        expect(case.service.end() == 0, "it did not end in order")
        return said


@fault("socket path replaced", "said; the other's socket is left alone", needs=None)
def _():
    with Case() as case, socket.socket(socket.AF_UNIX) as other:
        os.remove(case.service.path)
        # It does not listen yet, and still is the other's.
        other.bind(case.service.path)
        said = looked_after(case, "was deleted or replaced")
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


def pipe():
    """A reader's end, and the one that is written to."""
    return os.pipe()


def sockets():
    """The journal's kind."""
    return [end.detach() for end in socket.socketpair()]


def terminal():
    """One whose user has pressed Ctrl-S."""
    reader, writer = pty.openpty()
    tty.setraw(writer)
    termios.tcflow(writer, termios.TCOOFF)
    return reader, writer


def flood(case, count):
    """Connects so often, one after the other; each is a line or two of the log, until nothing fits any more."""
    for _ in range(count):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(case.service.path)


def stuck(make, **launch):
    """A log that is not read for a while, and then is. Gives how many lines were left out."""
    reader, stderr = make()
    try:
        with Case("--log-level", "DEBUG", stderr=stderr, **launch) as case:
            flags = fcntl.fcntl(stderr, fcntl.F_GETFL)
            flood(case, 3000)
            # Who comes last is served last.
            last = Witness(case.service.path)
            wait_for("a line for who came last", lambda: last.lines)
            last.close()
            case.witness.fresh()
            expect(fcntl.fcntl(stderr, fcntl.F_GETFL) == flags and not flags & os.O_NONBLOCK, "the log's flags changed")
            os.set_blocking(reader, False)
            if os.isatty(stderr):
                termios.tcflow(stderr, termios.TCOON)
            log = b""

            def count():
                """How many lines were left out, once that is said."""
                nonlocal log
                flood(case, 1)
                while select.select([reader], [], [], 0)[0]:
                    log += os.read(reader, 1 << 16)
                return re.search(rb"WARNING: (\d+) log lines were dropped here, because the log was not read\.\n", log)

            left_out = int(wait_for(f"the count in the log ({make.__name__})", count)[1])
            cut = [line for line in log.split(b"\n")[:-1] if not re.match(rb"(DEBUG: |INFO: |WARNING: |To see watts, ).*\.$", line)]
            expect(not cut, f"lines were cut: {cut[:3]}")
            expect(left_out > 1000, f"only {left_out} lines were left out ({make.__name__})")
            case.judge()
            return left_out
    finally:
        os.close(stderr)
        os.close(reader)


@fault("log whose reader is stuck", "serves on; lines that do not fit are counted, none is cut", needs=None, short=True)
def _():
    said = [f"{make.__name__}: {stuck(make):,} left out" for make in (pipe, sockets, terminal)]
    if IS_ROOT:
        # A pipe that it may not open once more.
        left_out = stuck(pipe, wrapper=["setpriv", "--reuid=65534", "--clear-groups"], device=None)
        said.append(f"another user's pipe: {left_out:,} left out")
    return "; ".join(said)


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
