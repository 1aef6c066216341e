"""AMD's core domain with 64 cores: what a sample costs with it, and without."""

import json
import os
import socket
import statistics
import subprocess
import tempfile
import time

from . import machine
from .server import Process, Server

CORES, THREADS = 64, 2
INTERVAL = 0.02


class Rate:
    """CPU microseconds of a process for each of its lines, second by second."""

    def __init__(self, process, file, seconds, is_sample):
        self.costs = []
        for _ in range(seconds):
            before, end, count = process.cpu_seconds(), time.monotonic() + 1, 0
            while time.monotonic() < end:
                line = file.readline()
                if not line:
                    raise SystemExit(f"benchmark: {process.process.args} ended early")
                count += is_sample(line)
            self.costs.append((process.cpu_seconds() - before) / max(count, 1) * 1e6)

    @property
    def cost(self):
        # Of the seconds the middle one: some belong to somebody else.
        return statistics.median(self.costs)


def service(programs, root, folder, domains, seconds):
    path = os.path.join(folder, "socket")
    command = [
        programs.service, "serve", "--source", "msr", "--root", root, "--user", "root", "--socket", path, "--log-level", "ERROR"]
    with Server(path, *command) as server:
        server.wait()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            request = {"subscribe": "sample", "interval_seconds": INTERVAL, "domains": domains}
            client.sendall(json.dumps(request).encode() + b"\n")
            file = client.makefile("rb")
            while not file.readline().startswith(b'{"sample"'):
                pass
            if (b'"core"' in file.readline()) != domains:
                raise SystemExit(f"benchmark: a sample with domains {domains} is not what was asked for")
            return Rate(server, file, seconds, lambda line: line.startswith(b'{"sample"')).cost


def floor(programs, root, cores, seconds):
    command = [programs.core_floor, root, str(int(INTERVAL * 1e6)), str(THREADS), str(cores)]
    with Process(*command, stdout=subprocess.PIPE) as process:
        return Rate(process, process.process.stdout, seconds, lambda line: True).cost


def rows(table, programs, seconds):
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "machine")
        options = ["--cpuinfo", "amd", "--cpus-per-package", str(CORES * THREADS), "--threads-per-core", str(THREADS)]
        with machine.Device(programs.device, root, *options, watts=("200",)):
            costs = {}
            for domains, cores in ((True, CORES), (False, 0)):
                before = floor(programs, root, cores, max(seconds // 4, 1))
                ours = service(programs, root, folder, domains, seconds)
                after = floor(programs, root, cores, max(seconds // 4, 1))
                costs[domains] = ours, (before + after) / 2
    table.row(f"{CORES} AMD cores, no domains: CPU us for each", *costs[False])
    # A sample's line is much longer than the reference's: the cores' share is what can be compared.
    table.row(
        f"{CORES} AMD cores: CPU us for their sum",
        *(with_cores - without for with_cores, without in zip(costs[True], costs[False])), most_ratio=1.25)
