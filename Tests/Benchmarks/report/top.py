"""What `top` costs beside procps's, which shows the same processes of the same machine at the same time."""

import contextlib
import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import termios
import time

from .server import Server

PROCESSES = 1000
COLUMNS, ROWS = 120, 40


@contextlib.contextmanager
def processes(count):
    """So many processes that wait, in a group of their own."""
    script = f"i=0; while [ $i -lt {count} ]; do sleep 100000 & i=$((i + 1)); done; echo; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True) as shell:
        try:
            shell.stdout.readline()
            yield
        finally:
            os.killpg(shell.pid, signal.SIGKILL)


class Screen:
    """A program on a terminal of its own."""

    def __init__(self, *command):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
            # If the program cannot be started, this process must not go on as a second benchmark.
            with contextlib.suppress(OSError):
                os.execvp(command[0], command)
            os._exit(127)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.command = command
        self.shown = 0

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/schedstat") as file:
            return int(file.read().split()[0]) / 1e9

    def take(self):
        try:
            self.shown += len(os.read(self.terminal, 65536))
        except OSError:
            raise SystemExit(f"benchmark: {' '.join(self.command)} has ended") from None

    def end(self):
        os.kill(self.pid, signal.SIGTERM)
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


def watch(screens, seconds):
    """CPU seconds of each in this time."""
    before = [screen.cpu_seconds() for screen in screens]
    end = time.monotonic() + seconds
    by_terminal = {screen.terminal: screen for screen in screens}
    while (left := end - time.monotonic()) > 0:
        for terminal in select.select(by_terminal, [], [], left)[0]:
            by_terminal[terminal].take()
    return [screen.cpu_seconds() - cpu for screen, cpu in zip(screens, before)]


def compare(table, service, path, seconds, grouping):
    ours = [service, "top", "--socket", path, "--by", grouping]
    screens = [Screen(*ours), Screen("top", "-d", "1")]
    try:
        watch(screens, 5)
        shown = [screen.shown for screen in screens]
        cpu = watch(screens, seconds)
        if any(screen.shown - before < seconds * 100 for screen, before in zip(screens, shown)):
            raise SystemExit("benchmark: a program on a terminal has stopped drawing")
    finally:
        for screen in screens:
            screen.end()
    milliseconds = [1000 * each / seconds for each in cpu]
    table.row(f"top --by {grouping}: CPU ms each second", *milliseconds, most_ratio=1.0, digits=2)


def rows(table, program, path, seconds):
    if shutil.which("top") is None:
        table.note("No row of top: there is no procps.")
        return
    table.note(f"top: full screens with {PROCESSES:,} more processes, at 1 s, beside `top -d 1` at the same time.")
    serve = [program, "serve", "--source", "simulated", "--socket", path, "--log-level", "ERROR"]
    with Server(path, *serve) as server, processes(PROCESSES):
        server.wait()
        for grouping in ("process", "user", "unit"):
            if grouping == "unit" and " - cgroup2 " not in open("/proc/self/mountinfo").read():
                table.note("No row of top --by unit: cgroup v2 is not mounted here.")
                continue
            compare(table, program, path, seconds, grouping)
