"""The real programs around the simulated registers: the device, two services, a powercap tree, and a naive server."""

import json
import os
import socket
import subprocess
import sys
import time

from load import Load

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.dirname(os.path.abspath(__file__))
START_COUNT = 0x1000000
COUNTS_PER_JOULE = 16384
# What share of the package's energy each domain's register counts.
REGISTERS = {0x611: 1.0, 0x639: 0.7, 0x641: 0.1, 0x619: 0.25, 0x64D: 1.5}
STEP = 0.25
# How late readings are behind the grid's points, as a rule, in seconds.
LATE = 0.002
# The grid on which a service that is woken lets windows begin, in seconds.
WAKING_STEP = 0.05
ORDINARY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]


class Failure(Exception):
    """The experiment cannot be made."""


class Clock:
    """The clock of everything that runs: the machine's, or one that runs slower (slow.c)."""

    def __init__(self, factor, folder):
        self.factor, self._start = factor, time.monotonic()
        self.environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
        if factor > 1:
            library = os.path.join(folder, "slow.so")
            subprocess.run(
                ["cc", "-O1", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", library, os.path.join(HERE, "slow.c"), "-ldl"], check=True)
            self._start = time.monotonic()
            self.environment["LD_PRELOAD"] = library
            self.environment["SLOW"] = f"{factor} {int(self._start * 1e9)} {time.time_ns()}"

    def now(self):
        return self._start + (time.monotonic() - self._start) / self.factor

    def sleep(self, seconds):
        time.sleep(max(seconds, 0) * self.factor)


class Programs:
    def __init__(self):
        def run(*command):
            return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=TOP).stdout.strip()

        run("scripts/setup", "--tests")
        run("swift", "build", "--product", "pkg-watt-stat")
        run("swift", "build", "--package-path", "Tests/MSRDevice", "--product", "msr-device")
        run("scripts/packaging/powercap-tree", "debug")
        self.service = run("swift", "build", "--show-bin-path") + "/pkg-watt-stat"
        self.device = run("swift", "build", "--package-path", "Tests/MSRDevice", "--show-bin-path") + "/msr-device"


class Machine:
    """Everything that runs; all of it ends with the block."""

    def __init__(self, folder, programs, clock):
        self.folder, self.programs, self.clock = folder, programs, clock
        self.children = []
        self.attackers = {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, name, *command, ready=None):
        """Starts a program, and waits for what it prints once it is ready."""
        log = open(self.path(name + ".log"), "w", encoding="utf-8")
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=self.clock.environment)
        log.close()
        self.children.append(child)
        end = time.monotonic() + 60 * self.clock.factor
        while ready and ready not in self.said(name):
            if child.poll() is not None or time.monotonic() > end:
                raise Failure(f"{name} does not start: {self.said(name)[-1000:]}")
            time.sleep(0.005)
        return child

    def said(self, name):
        with open(self.path(name + ".log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def __enter__(self):
        try:
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for child in reversed(self.children):
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(20)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()

    def _begin(self):
        Load.idle(self.path("load"))
        os.mkdir(self.path("records"))
        os.chmod(self.path("records"), 0o777)
        lines = ["0-1 0x606 value 0xA0E03", f"0-1 0x614 value {95 << 3}"]
        for address, share in REGISTERS.items():
            lines.append(f"0-1 {address:#x} trace {START_COUNT} {COUNTS_PER_JOULE * share} 32 {self.path('load')}")
        with open(self.path("registers"), "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
        os.mkdir(self.path("machine"))
        self.start(
            "device", self.programs.device, "--tree", self.path("machine"), "--registers", self.path("registers"), "--watts", "1",
            ready="ready")
        self.node = self.path("machine/dev/cpu/0/msr")
        self.start("naive-server", sys.executable, os.path.join(HERE, "naive.py"), self.node, self.path("naive.sock"), ready="ready")
        # Two services as they are by default: one is watched in all ways at once, one sleeps between the visits of its only client.
        for name in ("awake", "sleeper"):
            self.start(
                name, self.programs.service, "serve", "--root", self.path("machine"), "--source", "msr", "--socket",
                self.path(name + ".sock"), ready="Ready")
        os.mkdir(self.path("tree"))
        self.start(
            "tree-server", self.programs.service, "powercap", "--socket", self.path("awake.sock"), self.path("tree"), ready="Ready")

    def grid_of(self, name):
        """A point of the service's own grid: the earliest of a few readings, because they are late."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(self.path(name + ".sock"))
            connection.sendall(b'{"subscribe": "sample"}\n')
            points = []
            for text in connection.makefile():
                answer = json.loads(text)
                if "sample" in answer:
                    points.append(answer["sample"]["monotonic_seconds"])
                    if len(points) == 3:
                        break
        if not points:
            raise Failure(f"the service \"{name}\" gives no samples")
        return points[0] + min((point - points[0] + STEP / 2) % STEP - STEP / 2 for point in points)

    def attack(self, name, way, *places):
        root = way == "raw"
        command = [] if root else ORDINARY
        out = self.path(f"records/{name}")
        self.attackers[name] = self.start(
            "attacker-" + name, *command, sys.executable, os.path.join(HERE, "attacker.py"), way, *map(self.path, places),
            self.path("plan"), out)

    def visiting_period(self):
        """The time from window to window of a client that wakes the service up each time, in milliseconds: 250, and how late it looks."""
        self.attack("pace", "pace", "sleeper.sock")
        if self.attackers.pop("pace").wait() != 0:
            raise Failure(f"the service is not woken: {self.said('attacker-pace')[-1000:]}")
        return float(self.said("attacker-pace"))

    def run(self, compose):
        """Lets all attackers read while a load is drawn once.

        compose: makes it, from the visiting period and the difference of the services' grids, both in milliseconds.

        Returns the load, and when it began, by CLOCK_MONOTONIC."""
        period = self.visiting_period()
        awake, sleeper = self.grid_of("awake"), self.grid_of("sleeper")
        load = compose(period, round((sleeper - awake) % WAKING_STEP * 1000))
        load.write(self.path("load"))
        self.attack("raw", "raw", "machine/dev/cpu/0/msr")
        self.attack("naive", "naive", "naive.sock")
        self.attack("line", "line", "awake.sock")
        self.attack("all", "all", "awake.sock", "tree")
        self.attack("waking", "waking", "sleeper.sock")
        # On a point of the grid, a little late as readings are.
        earliest = self.clock.now() + 4
        begin = awake + LATE + int(earliest - awake + 1)
        with open(self.path("machine/dev/cpu/control"), "w", encoding="ascii") as control:
            control.write(f"play {int(begin * 1e9)}")
        plan = {
            "begin": begin, "fast_end": begin + load.fast_end + 0.1, "end": begin + load.seconds + 2,
            "visits": [begin - LATE + moment for moment in load.visits],
        }
        with open(self.path("plan.new"), "w", encoding="ascii") as file:
            json.dump(plan, file)
        os.rename(self.path("plan.new"), self.path("plan"))
        for name, attacker in self.attackers.items():
            try:
                code = attacker.wait((plan["end"] - self.clock.now()) * self.clock.factor + 60)
            except subprocess.TimeoutExpired:
                code = "no end"
            if code != 0:
                raise Failure(f"the attacker \"{name}\" has failed ({code}): {self.said('attacker-' + name)[-1000:]}")
        return load, begin
