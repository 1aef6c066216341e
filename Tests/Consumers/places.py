"""Where foreign programs are run: on a simulated machine, as root and as an ordinary user, with the service's tree and without."""

import json
import os
import shutil
import subprocess

from harness import Failure, expect
from processes import Child, ENVIRONMENT, Impossible, PROGRAM, Service, path

HERE = os.path.dirname(os.path.abspath(__file__))
WATTS = [42.5, 17.25]
# What is measured, in seconds.
SECONDS = int(os.environ.get("SECONDS", "30"))
# Whether this machine measures itself, and has the service.
REAL = bool(os.environ.get("REAL"))
# Newer programs: a root of Debian's next release, or nothing.
NEWER = os.environ.get("NEWER")
# A folder with Python's packages, and one with PCP.
CONSUMERS = os.environ.get("CONSUMERS", "")


class Nothing(Exception):
    """What a program says if it shows no watts."""


class Place:
    """One run of one program. `who` is "root" (the kernel's files), "user" (the same ones, as an ordinary user) or "with"."""

    def __init__(self, who, program, newer=False, cpu="intel"):
        self.who = who
        self.newer = newer
        self.name = f"{program}-{who}"
        self.service = None if REAL else Service.device(WATTS, cpu)
        self.folder = path(self.name)
        os.mkdir(self.folder)
        if who != "root":
            shutil.chown(self.folder, "nobody", "nogroup")

    def words(self, *command):
        """The command, in this place."""
        words = [] if REAL else ["unshare", "-m", os.path.join(HERE, "machine"), self.service.tree]
        if self.who != "root":
            words += ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]
        if self.who == "with":
            words += [PROGRAM, "with", *([] if REAL else ["--socket", self.service.socket]), "--"]
        if self.newer:
            if not NEWER:
                raise Impossible("a root of a newer Debian is not here: scripts/check-consumers --newer")
            # Its own files, but this machine's processes, devices and powercap.
            words += ["bwrap", "--die-with-parent", "--bind", NEWER, "/"]
            for shared in ("/proc", "/sys", "/tmp"):
                words += ["--bind", shared, shared]
            words += ["--dev-bind", "/dev", "/dev"]
        return [*words, "env", "-C", self.folder, *command]

    def file(self, name):
        return os.path.join(self.folder, name)

    @property
    def environment(self):
        """A home of its own."""
        home = {name: self.folder for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "TMPDIR")}
        return {**home, "MPLCONFIGDIR": self.folder, "SHELL": "/bin/sh", "TERM": "xterm-256color"}

    def start(self, *command, suffix="", environment=None):
        return Child(self.name + suffix, *self.words(*command), environment={**self.environment, **(environment or {})})

    def run(self, *command, environment=None, seconds=SECONDS + 120):
        """Runs a command to its end, and gives its output and its exit code."""
        done = subprocess.run(
            self.words(*command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", env={**ENVIRONMENT, **self.environment, **(environment or {})}, timeout=seconds, check=False)
        return done.stdout, done.returncode

    def python(self, reader):
        """What a program of `readers` prints on its last line. Its own last line is what it says without watts."""
        python = os.path.join(CONSUMERS, "python/bin/python")
        if not os.path.exists(python):
            raise Impossible("Python's packages are not here: scripts/check-consumers installs them")
        output, code = self.run(python, os.path.join(HERE, "readers", reader), str(SECONDS))
        lines = output.strip().splitlines()
        expect(lines, f"{reader} ended with {code} and said nothing")
        if code != 0:
            raise Nothing(lines[-1])
        try:
            return shown(json.loads(lines[-1]))
        except ValueError:
            raise Failure(f"{reader}: {output[-500:]}") from None


def shown(watts):
    """The watts, if they are any."""
    if not watts:
        raise Nothing("nothing")
    if not any(watts.values()):
        raise Nothing("0 W")
    return watts


def within(name, watts, expected, step=0.0):
    """1 %, or one step of the program's display."""
    # A hair more, since a step has no exact number.
    expect(abs(watts - expected) <= max(0.01 * expected, step) + 1e-9, f"{name} says {watts} W in place of {expected} W")
