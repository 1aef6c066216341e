"""One user who reads a powercap tree as fast as it answers: what others notice of it, and what it costs. And a tree that nobody reads.

The service has a core of its own. The tree's server, the user's readers and those who watch share another one, so that a machine of
two cores is enough. The reference is the same tree with the same readers, each of whom reads once a second.
"""

import json
import os
import subprocess
import tempfile
import time
import types

from . import machine
from .server import Process

READERS = 4
# "At most 5 ms later". What the service itself takes does not grow; measured, it varies by this much.
MOST_LATER_MS, MOST_SHARE, MOST_WAKEUPS = 5, 0.5, 10
# The subscription goes on for 6 s after the last read.
LINGER = 8


class Tree:
    def __init__(self, programs, socket):
        self.folder = tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o755)
        self.file = os.path.join(self.folder.name, "intel-rapl:0/energy_uj")
        self.command = subprocess.Popen(
            [programs.service, "powercap", "--socket", socket, self.folder.name], stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        said = ""
        while "Ready" not in said:
            said = self.command.stderr.readline()
            if not said:
                raise SystemExit("benchmark: the powercap tree does not start")
        with open(f"/proc/{self.command.pid}/task/{self.command.pid}/children") as file:
            children = file.read().split()
        (server,) = [pid for pid in children if open(f"/proc/{pid}/comm").read() == "powercap-tree\n"]
        self.server = Process.__new__(Process)
        self.server.process = types.SimpleNamespace(pid=int(server))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.command.terminate()
        self.command.wait()
        self.folder.cleanup()


def pin(pid, core):
    for task in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(task), {core})


class Seen:
    """How many reads there were each second, how late lines came to others meanwhile, and what that cost the service."""

    def __init__(self, programs, service, pause, seconds):
        own, shared = sorted(os.sched_getaffinity(0))[:2]
        others = ["taskset", "-c", str(shared)]

        def start(*command):
            process = subprocess.Popen([*others, *map(str, command)], stdout=subprocess.PIPE, text=True)
            if not process.stdout.readline():
                raise SystemExit(f"benchmark: {command} did not begin")
            return process

        with service() as server, Tree(programs, server.path) as tree:
            pin(server.process.pid, own)
            pin(tree.server.process.pid, shared)
            readers = start(programs.tree_readers, tree.file, READERS, pause, seconds + 4)
            crowd = start(programs.crowd, server.path, 20, seconds)
            # The crowd's first seconds are those of its first lines.
            time.sleep(2)
            before = time.monotonic(), server.cpu_seconds(), server.wakeups(), tree.server.cpu_seconds()
            time.sleep(seconds - 1)
            after = time.monotonic(), server.cpu_seconds(), server.wakeups(), tree.server.cpu_seconds()
            lines, read = (json.loads(each.communicate()[0] or "null") for each in (crowd, readers))
        if None in (lines, read):
            raise SystemExit("benchmark: those who read a powercap tree, or watched that, were not served")
        took, *spent = [late - early for early, late in zip(before, after)]
        self.share, self.wakeups, self.tree_share = spent[0] / took * 100, spent[1] / took, spent[2] / took * 100
        self.line_ms, self.lost = lines["last_client_p99_ms"], lines["lost"]
        self.rate, self.failures = read["reads"] / (seconds + 4), read["failures"]


def unread(programs, service, seconds):
    """Wakeups of a tree's server that was read, and is not read any more, in so many seconds."""
    with service() as server, Tree(programs, server.path) as tree:
        with open(tree.file) as file:
            int(file.read())
        time.sleep(LINGER)
        before = tree.server.wakeups()
        time.sleep(seconds)
        return tree.server.wakeups() - before


def rows(table, programs, service, seconds, unread_seconds=60, short=False):
    if machine.Device.lack is not None:
        return table.note(f"No row of a powercap tree: {machine.Device.lack}.")
    if len(os.sched_getaffinity(0)) < 2:
        table.note("No row of a powercap tree that is read as fast as it answers: it needs two cores.")
    else:
        quiet, read = Seen(programs, service, 1000, seconds), Seen(programs, service, 0, seconds)
        name = "tree at full speed: "
        table.row(name + "reads/s", read.rate, quiet.rate, digits=0)
        table.row(name + "without a number", read.failures, most=0, digits=0)
        table.row(name + "lines lost", read.lost, most=0, digits=0)
        # Whom the service wakes for does not depend on how fast the machine is.
        table.row(name + "service wakeups/s more", read.wakeups - quiet.wakeups, most=MOST_WAKEUPS)
        if not short:
            table.row(name + "later than p99 ms", max(read.line_ms - quiet.line_ms, 0), most=MOST_LATER_MS)
            table.row(name + "% of a core more", read.share - quiet.share, most=MOST_SHARE, digits=2)
            table.note(
                f"Of a core the service took {read.share:.2f} % (beside {quiet.share:.2f} %), the tree's server "
                f"{read.tree_share:.0f} % (beside {quiet.tree_share:.2f} %). Others had their lines {read.line_ms:.2f} ms after the "
                f"sample (beside {quiet.line_ms:.2f} ms; p99).")
    table.row(f"tree, unread for {unread_seconds} s: wakeups", unread(programs, service, unread_seconds), most=0, digits=0)
