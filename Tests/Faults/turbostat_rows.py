"""Faults of turbostat, where it is the source: programs that stand for it do what the real one does not do on demand."""

import os
import shutil
import signal
import time

from case import Case, MovedClocks
from device import Device
from harness import Impossible, expect, wait_for
from report import field, machine
from table import fault

TABLE = r"""#!/bin/sh
table() {
    now=$(date +%s.%6N)
    printf 'Time_Of_Day_Seconds\tPackage\tCPU\tPkgWatt\n'
    printf "$now"'\t%s\t%s\t%s\n' - - "$1" 0 0 "$2" 1 2 "$3"
}
"""
GOOD = "while :; do sleep 0.5; table 59.75 42.50 17.25; done\n"


class Turbostat(Case):
    def __init__(self, body, *options, **launch):
        self._body = body
        super().__init__("--source", "turbostat", *options, device=None, **launch)

    def _start(self):
        path = os.path.join(self.folder, "turbostat")
        with open(path, "w") as file:
            file.write(TABLE + self._body)
        os.chmod(path, 0o755)
        self._options += ["--turbostat", path]
        super()._start()

    def stop_for(self, seconds, meanwhile=lambda: None):
        """The service is stopped for so long, while turbostat is not, and something happens halfway."""
        before = self.asker.fresh_sample()
        child = self.service.children()
        os.kill(self.service.pid, signal.SIGSTOP)
        time.sleep(seconds / 2)
        meanwhile()
        time.sleep(seconds / 2)
        os.kill(self.service.pid, signal.SIGCONT)
        self.witness.fresh(3)
        after = self.asker.fresh_sample()
        expect(self.service.children() == child, "turbostat was started again")
        expect(not after["lower_bound"], "energy is missing")
        drawn = (after["joules"] - before["joules"]) / (after["monotonic_seconds"] - before["monotonic_seconds"])
        expect(abs(drawn / 59.75 - 1) < 0.03, f"the energy is that of {drawn:.2f} W, not 59.75 W")
        worst = max(abs(line.watts - 59.75) for line in self.witness.lines)
        expect(worst < 2, f"a line is {worst:.2f} W off")
        return f"energy of {drawn:.2f} W over all that time"


class MovedTurbostat(Turbostat, MovedClocks):
    """One whose wall clock, and its turbostat's, can be set."""


class RealTurbostat(Turbostat):
    """The real turbostat, as a CPU that it knows, on registers of ours."""

    def __init__(self, *options):
        super().__init__("", *options)

    def _start(self):
        for program in ("cc",):
            if shutil.which(program) is None:
                raise Impossible(f"needs {program}")
        if shutil.which("turbostat", path=os.environ["PATH"] + ":/usr/sbin") is None:
            raise Impossible("needs turbostat")
        self._body = f'exec {" ".join(field.turbostat(self._made("real")))} "$@"\n'
        registers = Device(os.path.join(self.folder, "machine"), "--cpus-per-package", "1")
        self._ends.callback(registers.end)
        self._launch["wrapper"] = machine.namespace(registers.root)
        super()._start()

    def _made(self, name):
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        os.chmod(folder, 0o755)
        return folder


@fault("turbostat is killed", "stale, then ok from a new one", needs="root")
def _():
    with Turbostat(GOOD) as case:
        child = case.service.children()[0]
        os.kill(child, signal.SIGKILL)
        case.witness.stale()
        case.witness.fresh(3)
        case.service.says("was killed by signal 9. It is started again in 1 s.")
        wait_for("another child", lambda: case.service.children() not in ([], [child]))
        return case.judge("stale")


@fault("turbostat hangs, and ignores SIGTERM", "stale, then ok from a new one", needs="root")
def _():
    # The second start, which finds the mark, works.
    body = """
if [ ! -e "$0.mark" ]; then
    trap '' TERM
    for each in 1 2 3 4 5 6 7 8; do table 59.75 42.50 17.25; sleep 0.5; done
    : > "$0.mark"
    while :; do sleep 1; done
fi
"""
    with Turbostat(body + GOOD) as case:
        case.witness.stale()
        case.witness.fresh(3)
        case.service.says("gave no reading for")
        return case.judge("stale")


@fault("turbostat writes junk", "left out and said; no spike", needs="root")
def _():
    body = """
for each in 1 2 3 4 5 6; do table 59.75 42.50 17.25; sleep 0.5; done
head -c 5000000 /dev/urandom; echo
table 2e14 2e14 2e14; table 59.75 42.50 ''; table nan nan nan; table 59.75 1.00 1.00
"""
    with Turbostat(body + GOOD) as case:
        case.service.says("Such tables are ignored.")
        case.witness.fresh(3)
        worst = max(line.watts for line in case.witness.lines)
        return f"{case.judge(None)}; at most {worst} W"


@fault("service stopped beside turbostat", "nothing is lost, no spike; energy goes on", needs="root", short=True)
def _():
    with Turbostat(GOOD) as case:
        said = case.stop_for(2.2)
        return f"{case.judge(None)}; {said}"


@fault("service stopped beside the real turbostat", "4.3 s at an interval of 1 s: the same")
def _():
    with RealTurbostat("--interval", "1") as case:
        said = case.stop_for(4.3)
        return f"{case.judge(None)}; {said}"


@fault(
    "wall clock set before turbostat is read", "forward and back, while the service is stopped: the same", needs="root")
def _():
    said = []
    for seconds in (3600, -3600):
        with MovedTurbostat(GOOD) as case:
            case.backwards = int(seconds < 0)
            said.append(case.stop_for(2.2, lambda: case.clock.move(wall=seconds)))
            case.judge(None)
    return "; ".join(said)
