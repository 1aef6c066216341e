"""Faults of turbostat, where it is the source: programs that stand for it do what the real one does not do on demand."""

import os
import signal

from case import Case
from harness import wait_for
from table import fault

TABLE = r"""#!/bin/sh
table() { printf 'Package\tCPU\tPkgWatt\n-\t-\t%s\n0\t0\t%s\n1\t2\t%s\n' "$1" "$2" "$3"; }
"""
GOOD = "while :; do sleep 0.5; table 59.75 42.50 17.25; done\n"


class Turbostat(Case):
    def __init__(self, body):
        self._body = body
        super().__init__("--source", "turbostat", device=None)

    def _start(self):
        path = os.path.join(self.folder, "turbostat")
        with open(path, "w") as file:
            file.write(TABLE + self._body)
        os.chmod(path, 0o755)
        self._options += ["--turbostat", path]
        super()._start()


@fault("turbostat is killed", "stale, then ok from a new one", needs="root")
def _():
    with Turbostat(GOOD) as case:
        child = case.service.children()[0]
        os.kill(child, signal.SIGKILL)
        case.witness.stale()
        case.witness.fresh(3)
        case.service.says("was ended by signal 9. It is started again in 1 s.")
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
        case.service.says("Such tables are left out.")
        case.witness.fresh(3)
        worst = max(line.watts for line in case.witness.lines)
        return f"{case.judge(None)}; at most {worst} W"
