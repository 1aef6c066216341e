"""What runs: programs in cgroups of their own, devices that compute energy from their CPU time, and everyone who estimates it."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.dirname(os.path.abspath(__file__))
# Names, what runs, and what a CPU second of it draws in the second model, in joules.
BURNERS = {
    "accuracy-steady.service": (("steady", "0.5"), 15),
    "accuracy-waves.service": (("waves", "5"), 5),
    "accuracy-short.service": (("short", "0.03"), 10),
}
# What everything draws in the first model, and everything else in the second, in joules for each CPU second.
EQUAL = 10
# Watts, and those of a part that no program draws: half of the time, for so many seconds.
FLOOR, HIDDEN, PULSE = 6, 0.6, 1.5


class Failure(Exception):
    """The comparison cannot be made."""


def lack():
    """Why the machine cannot do it; None if it can."""
    if os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK):
        return "it needs root and /dev/fuse, for simulated registers"
    if cgroups() is None:
        return "it needs cgroup v2, to which it may add"
    return None


def cgroups():
    """The folder of version 2 in which cgroups can be made."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            words, _, kind = line.partition(" - ")
            if kind.split()[0] == "cgroup2":
                folder = words.split()[4]
                return folder if os.access(folder, os.W_OK) and not os.statvfs(folder).f_flag & os.ST_RDONLY else None
    return None


class Programs:
    """Paths of what is built."""

    def __init__(self, newer):
        def run(*command):
            return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=TOP).stdout.strip()

        run("scripts/setup", "--tests", *(["--newer"] if newer else []))
        for package in ([], ["--package-path", "Tests/MSRDevice"]):
            subprocess.run(
                ["swift", "build", *package, "--product", "msr-device" if package else "pkg-watt-stat"], check=True, cwd=TOP,
                stdout=sys.stderr)
        self.service = run("swift", "build", "--show-bin-path") + "/pkg-watt-stat"
        self.device = run("swift", "build", "--package-path", "Tests/MSRDevice", "--show-bin-path") + "/msr-device"
        self.newer = run("Tests/Consumers/prepare", "newer") if newer else None


class Rig(contextlib.ExitStack):
    """Everything that runs; all of it ends with the block."""

    def __init__(self, folder, programs):
        super().__init__()
        self.folder, self.programs = folder, programs
        self.cgroup = os.path.join(cgroups(), f"pkg-watt-stat-accuracy-{os.getpid()}")
        self.pids = {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, name, *command, ready=None, output=False, environment=None):
        """Starts a program, and waits for what it prints once it is ready."""
        with open(self.path(name + ".log"), "wb") as log:
            child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE if output else log, stderr=log, start_new_session=True,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})})
        self.callback(self._end, child)
        end = time.monotonic() + 60
        while ready and ready not in self.said(name):
            if child.poll() is not None or time.monotonic() > end:
                raise Failure(f"{name} does not start: {self.said(name)[-1000:]}")
            time.sleep(0.01)
        return child

    def said(self, name):
        with open(self.path(name + ".log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    @staticmethod
    def _end(child):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def cgroup_of(self, name):
        return os.path.join(self.cgroup, name)

    def _remove(self, folder):
        # A process that was killed may not have left yet.
        end = time.monotonic() + 10
        while os.path.isdir(folder):
            try:
                os.rmdir(folder)
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def burners(self):
        """Prepares what is to use CPU time."""
        os.mkdir(self.cgroup)
        self.callback(self._remove, self.cgroup)
        burners = []
        for name, (work, _) in BURNERS.items():
            os.mkdir(self.cgroup_of(name))
            self.callback(self._remove, self.cgroup_of(name))
            command = [sys.executable, os.path.join(HERE, "burner.py"), name, self.cgroup_of(name), *work]
            burner = self.start(name, *command, ready="ready")
            self.pids[burner.pid] = name
            burners.append(burner)
        return burners

    def model(self, name, joules):
        """A device and a service whose watts are these joules for each CPU second, and more."""
        parts = [f"idle floor {FLOOR}", f"hidden pulses {HIDDEN} {PULSE}"]
        parts += [f"{each} cgroup {joules[each]} {self.cgroup_of(each)}" for each in BURNERS]
        parts += [f"else rest {EQUAL}"]
        with open(self.path(name + ".model"), "w", encoding="utf-8") as file:
            file.write("\n".join(parts) + "\n")
        cpus = os.cpu_count()
        with open(self.path(name + ".registers"), "w", encoding="utf-8") as file:
            file.write(f"0-{cpus - 1} 0x606 value 0xA0E03\n0-{cpus - 1} 0x614 value {95 << 3}\n")
            file.write(f"0-{cpus - 1} 0x611 model 0x1000000 16384 32 {self.path(name)}.model\n")
        os.mkdir(self.path(name))
        self.start(
            name + "-device", self.programs.device, "--tree", self.path(name), "--registers", self.path(name) + ".registers",
            "--watts", "1", "--cpus-per-package", str(cpus), ready="ready")
        self.start(
            name + "-service", self.programs.service, "serve", "--root", self.path(name), "--source", "msr", "--socket",
            self.path(name + ".sock"), ready="Ready")

    def truth(self, name):
        """The joules of each part of a model so far."""
        with open(self.path(f"{name}/dev/cpu/energy"), encoding="utf-8") as file:
            rows = [line.split() for line in file]
        return {row[0]: float(row[1]) for row in rows if len(row) == 2}

    def quiet(self, models, seconds):
        """Lets the services see the machine with nothing to do, as they have seen any real one."""
        with contextlib.ExitStack() as connections:
            for name in models:
                connection = connections.enter_context(socket.socket(socket.AF_UNIX))
                connection.connect(self.path(name + ".sock"))
                connection.sendall(b'{"subscribe": "sample"}\n')
            time.sleep(seconds)

    def top(self, name, grouping):
        command = [self.programs.service, "top", "--socket", self.path(name + ".sock"), "--by", grouping, "--json", "--follow"]
        return self.start(f"{name}-top-{grouping}", *command, "--interval", "1", output=True)

    def scaphandre(self, name, seconds):
        """The real one, on the same machine's powercap; it writes what it has seen when its time is over."""
        library, modules = self.path("modules.so"), self.path("modules")
        if not os.path.exists(library):
            subprocess.run(
                ["cc", "-O1", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", library, os.path.join(HERE, "modules.c"), "-ldl"],
                check=True)
            with open(modules, "w", encoding="ascii") as file:
                file.write("intel_rapl_common 53248 1 intel_rapl_msr, Live 0x0000000000000000\n")
        words = ["unshare", "-m", os.path.join(TOP, "Tests/Consumers/machine"), self.path(name)]
        words += ["bwrap", "--die-with-parent", "--bind", self.programs.newer, "/"]
        for shared in ("/proc", "/sys", "/tmp"):
            words += ["--bind", shared, shared]
        words += ["--dev-bind", "/dev", "/dev", "--bind", self.folder, self.folder]
        words += ["--setenv", "LD_PRELOAD", library, "--setenv", "MODULES", modules]
        words += ["scaphandre", "--no-header", "-s", "powercap_rapl", "json", "--step", "1", "--timeout", str(seconds)]
        words += ["--max-top-consumers", "60000", "--file", self.path(name + ".scaphandre")]
        return self.start(name + "-scaphandre", *words)

    def watch(self, tops, windows):
        """Takes so many tables of each, and the truth at each.

        tops: by model and grouping.

        Returns lists of the same form, of a table's line, the truth, and the time."""
        seen = {key: [] for key in tops}
        rest = {top.stdout.fileno(): b"" for top in tops.values()}
        keys = {top.stdout.fileno(): key for key, top in tops.items()}
        end = time.monotonic() + windows * 2 + 60
        while any(len(lines) < windows for lines in seen.values()):
            ready = select.select(rest, [], [], max(end - time.monotonic(), 0))[0]
            if not ready:
                raise Failure("top gives no tables")
            for number in ready:
                data = os.read(number, 1 << 20)
                if not data:
                    raise Failure(f"top has ended: {self.said('{}-top-{}'.format(*keys[number]))[-1000:]}")
                *lines, rest[number] = (rest[number] + data).split(b"\n")
                for line in lines:
                    seen[keys[number]].append((line, self.truth(keys[number][0]), time.time()))
        return seen


def version(programs):
    """That of scaphandre's package; the program itself may name an older one."""
    done = subprocess.run(
        ["chroot", programs.newer, "dpkg-query", "-W", "-f", "${source:Upstream-Version}", "scaphandre"],
        stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout
