"""What the checks start: the service, its exporter, and programs of others. All of it ends with this program."""

import atexit
import os
import signal
import socket
import subprocess
import tempfile
import threading
import urllib.request

from harness import Failure, Impossible, expect, wait_for

PROGRAM = os.environ["PROGRAM"]
DEVICE = os.environ.get("DEVICE")
WORK = tempfile.TemporaryDirectory(prefix="pkg-watt-stat-consumers-")
# Programs that take nothing from the user's own settings.
ENVIRONMENT = {
    "PATH": os.environ["PATH"] + ":/usr/sbin:/usr/bin", "HOME": WORK.name, "LANG": "C.UTF-8",
    "XDG_RUNTIME_DIR": WORK.name, "XDG_CONFIG_HOME": WORK.name, "XDG_CACHE_HOME": WORK.name,
}
os.chmod(WORK.name, 0o755)
_children = []
# The services that measure a device, by its CPU. Programs are run side by side.
_devices = {}
_devices_lock = threading.Lock()


def path(name):
    return os.path.join(WORK.name, name)


def write(name, text):
    with open(path(name), "w", encoding="utf-8") as file:
        file.write(text)
    return path(name)


class Child:
    """A program that runs until the end, with its output."""

    def __init__(self, name, *command, environment=None, pass_fds=()):
        self.log = path(name + ".log")
        with open(self.log, "wb") as log:
            try:
                self.process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                    env={**ENVIRONMENT, **(environment or {})}, pass_fds=pass_fds)
            except FileNotFoundError:
                raise Impossible(f"{command[0]} is not installed: scripts/setup --consumers") from None
        self.name = name
        _children.append(self)

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def wait_for(self, what, condition, seconds=30):
        def holds():
            expect(self.process.poll() is None, f"{self.name} has ended: {self.output()[-2000:]}")
            return condition()

        try:
            return wait_for(what, holds, seconds)
        except Failure as failure:
            raise Failure(f"{failure}; {self.name} said: {self.output()[-2000:]}") from None

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


@atexit.register
def _end():
    for child in reversed(_children):
        child.end()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url, **headers):
    """The body behind an address on this machine."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, headers=headers), timeout=20) as response:
        return response.read().decode()


def answers(url):
    try:
        return get(url)
    except OSError:
        return None


class Service:
    """A service on a socket of its own, of a simulated CPU or of a device of known watts, and its exporter."""

    def __init__(self, name, *options, exporter=()):
        self.name = name
        self.options = options
        self.socket = path(name + ".sock")
        self.start()
        self.exporter = Child(
            name + "-exporter", PROGRAM, "exporter", "--socket", self.socket, "--listen", "127.0.0.1:0", *exporter)
        self.exporter.wait_for("the exporter", lambda: "Ready" in self.exporter.output())
        self.url = next(word for word in self.exporter.output().split() if word.startswith("http://"))

    def start(self):
        self.child = Child(self.name, PROGRAM, "serve", "--socket", self.socket, *self.options)
        self.child.wait_for("the service", lambda: "Ready" in self.child.output())

    @classmethod
    def simulated(cls):
        """A CPU whose watts go up and down."""
        if not hasattr(cls, "_simulated"):
            cls._simulated = cls("simulated", "--source", "simulated")
        return cls._simulated

    @classmethod
    def device(cls, watts, cpu="intel"):
        """Two packages that draw this much, read from the registers of a CPU of a kind that msr-device knows."""
        with _devices_lock:
            if cpu in _devices:
                return _devices[cpu]
            if not DEVICE or os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK):
                raise Impossible("needs root, /dev/fuse and the msr device, which scripts/check-consumers builds")
            tree = path(f"device-{cpu}")
            os.mkdir(tree)
            options = [part for each in watts for part in ("--watts", str(each))]
            device = Child(f"msr-device-{cpu}", DEVICE, "--tree", tree, "--cpuinfo", cpu, *options)
            device.wait_for("the msr device", lambda: "ready" in device.output())
            service = _devices[cpu] = cls(f"measured-{cpu}", "--root", tree)
            service.tree = tree
            return service

    def export(self, *options):
        done = subprocess.run(
            [PROGRAM, "export", "--socket", self.socket, *options], capture_output=True, text=True, timeout=30,
            check=False)
        expect(done.returncode == 0, f"export ended with {done.returncode}: {done.stderr}")
        return done.stdout
