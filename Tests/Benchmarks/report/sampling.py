"""A thousand samples a second, by the service and by the floor: what each costs, and how punctual it is."""

import bisect
import os
import statistics
import subprocess
import tempfile
import time

from . import machine
from .punctuality import Punctuality
from .server import Server

INTERVAL = 1_000_000


class Run:
    """One server, sampled by a client of its own: when its lines came, and CPU microseconds for each, second by second."""

    def __init__(self, programs, seconds, command, path, *counters):
        with Server(path, *command) as server:
            with subprocess.Popen(
                [programs.recorder, path, str(seconds + 3), *counters], stdout=subprocess.PIPE, text=True) as recorder:
                if recorder.stdout.readline() != "connected\n":
                    raise SystemExit(f"benchmark: {command} does not serve")
                readings = []
                for _ in range(seconds + 1):
                    time.sleep(1)
                    readings.append((time.monotonic_ns(), server.cpu_seconds()))
                times = list(map(int, recorder.communicate()[0].split()))
            if recorder.returncode != 0:
                raise SystemExit(f"benchmark: {command} ended early")
        places = [bisect.bisect_left(times, at) for at, _ in readings]
        self.times = times[places[0]:places[-1]]
        self.costs = [
            (after[1] - before[1]) / (end - start) * 1e6
            for before, after, start, end in zip(readings, readings[1:], places, places[1:]) if end > start]
        if len(self.times) < seconds * 10:
            raise SystemExit(f"benchmark: {command} sampled {len(self.times)} times in {seconds} s")


def compare(programs, root, folder, seconds, *counters):
    """The service between two halves of the floor, so that a machine whose load changes does so for both."""
    path = os.path.join(folder, "socket")
    service = [
        programs.service, "serve", "--interval", str(INTERVAL / 1e9), "--socket", path, "--root", root,
        "--log-level", "ERROR"]
    floor = [programs.sampling_floor, path, root, str(INTERVAL // 1000)]
    before = Run(programs, seconds // 4, floor, path, *counters)
    measured = Run(programs, seconds, service, path, *counters)
    return measured, (before, Run(programs, seconds // 4, floor, path, *counters))


def rows(table, name, service, floors, seconds):
    # Of the seconds the middle one: some belong to somebody else.
    costs = statistics.median(service.costs), statistics.median(floors[0].costs + floors[1].costs)
    table.row(f"{name}: CPU us for each sample", *costs, most_ratio=1.25, digits=2)
    ours, theirs = Punctuality(service.times, INTERVAL), [Punctuality(run.times, INTERVAL) for run in floors]
    missed = 100 * sum(each.missed for each in theirs) / sum(each.points for each in theirs)
    table.row(f"{name}: 0.5 ms late or lost, %", ours.missed_percent, missed, most=0.1, digits=3, quiet=True)
    table.row(f"{name}: drift over {seconds} s, us", abs(ours.drift) / 1000, most=100, digits=0)
    late = sorted(theirs[0].late + theirs[1].late)
    profile = ", ".join(
        f"{word} {share(ours.late, part):.0f} ({share(late, part):.0f})"
        for part, word in ((0.5, "half"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (1, "all")))
    table.note(f"{name}, us late at most, the reference's in brackets: {profile}.")


def share(late, part):
    return late[min(int(len(late) * part), len(late) - 1)] / 1000


def in_memory(table, programs, seconds):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        root = os.path.join(folder, "machine")
        machine.in_memory(root)
        rows(table, "1 kHz, memory", *compare(programs, root, folder, seconds, root), seconds)


def on_device(table, programs, seconds):
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "machine")
        # Counters that have always moved since the sample before.
        with machine.Device(programs.device, root, "--cpus-per-package", "1", "--update-period-us", "100"):
            rows(table, "1 kHz, FUSE", *compare(programs, root, folder, seconds), seconds)
