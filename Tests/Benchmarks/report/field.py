"""Other programs that read the same counters, each second: what they cost, and what the service does."""

import os
import shutil
import socket
import subprocess
import tempfile
import time

from . import machine
from .programs import TOP
from .server import Process, Server

# Each was tried with the device in place of the machine's registers, and an emulated Intel CPU where it asks for one.
ABSENT = """No row: likwid-powermeter 5.2 (ends without PCI devices of a memory controller), pcm 2023.02 (the same, and without
performance counters), powertop 2.14 (estimates, with a battery only), i7z 0.27 (must write registers)."""


def turbostat(folder):
    """The machine's own turbostat as it is, which takes this machine for a Skylake."""
    library = os.path.join(folder, "impersonate.so")
    source = os.path.join(TOP, "Tests/MSRDevice/turbostat/impersonate.c")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
    program = shutil.which("turbostat", path=os.environ["PATH"] + ":/usr/sbin")
    return ["env", "IMPERSONATE=GenuineIntel:6:0x5E", f"LD_PRELOAD={library}", program]


def cost(command, seconds):
    """CPU seconds an hour of a program that prints something each second, and what it printed."""
    with tempfile.TemporaryFile("w+") as shown:
        with Process(*command, stdout=shown) as process:
            time.sleep(3)
            began, cpu = time.monotonic(), process.cpu_seconds()
            time.sleep(seconds)
            cpu = (process.cpu_seconds() - cpu) / (time.monotonic() - began)
            if process.process.poll() is not None:
                raise SystemExit(f"benchmark: {command} ended")
        shown.seek(0)
        return cpu * 3600, shown.read()


def ours(programs, folder, seconds, *options):
    path = os.path.join(folder, "socket")
    with Server(path, programs.service, "serve", "--socket", path, "--log-level", "ERROR", *options).wait() as server:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            time.sleep(3)
            began, cpu = time.monotonic(), server.cpu_seconds()
            time.sleep(seconds)
            return (server.cpu_seconds() - cpu) / (time.monotonic() - began) * 3600


def rows(table, programs, seconds):
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "machine")
        with machine.Device(programs.device, root, "--cpus-per-package", "1"):
            inside = machine.namespace(root)
            command = turbostat(folder) + ["--quiet", "--interval", "1", "--show", "PkgWatt"]
            reference, shown = cost(inside + command, seconds)
            if "42." not in shown:
                raise SystemExit(f"benchmark: turbostat says {shown}")
            table.row(
                "beside turbostat: CPU seconds an hour", ours(programs, folder, seconds, "--root", root), reference,
                most_ratio=1.0, digits=2)
            if shutil.which("powerstat") is None:
                return table.note(ABSENT + " powerstat: not in this system's packages.")
            reference, _ = cost(inside + ["powerstat", "-R", "-d", "0", "1", "3600"], seconds)
            table.row(
                "beside powerstat: CPU seconds an hour",
                ours(programs, folder, seconds, "--root", root, "--source", "powercap"), reference, most_ratio=1.0, digits=2)
    table.note(ABSENT)
