"""Faults of time: a machine that sleeps, a wall clock that is set, a service that is held up."""

import os
import signal
import time

from case import Case, MovedClocks
from harness import expect
from table import fault

HOUR = 3600


@fault("suspend of an hour, counters set to 0", "stale, then ok; energy a lower bound", short=True)
def _():
    with MovedClocks() as case:
        case.device.control("reset 0")
        case.device.control("reset 1")
        case.clock.move(asleep=HOUR, wall=HOUR)
        case.witness.stale()
        return case.judge("stale", most_lost=59.75 * 3)


@fault("suspend of 10 s, counters go on", "stale, then ok; energy a lower bound")
def _():
    with MovedClocks() as case:
        case.clock.move(asleep=10, wall=10)
        case.witness.stale()
        # What was drawn asleep, no register may know.
        return case.judge("stale", most_lost=0)


@fault("suspend while nobody is connected", "fresh for whoever comes; energy a lower bound")
def _():
    with MovedClocks() as case:
        case.leave_for(3, lambda: case.clock.move(asleep=HOUR, wall=HOUR))
        return case.judge(most_lost=59.75 * 3)


@fault("wall clock set forward an hour", "no spike, no gap; energy exact", short=True)
def _():
    with MovedClocks() as case:
        case.clock.move(wall=HOUR)
        line = case.witness.fresh(3)
        expect(abs(line.timestamp - time.time() - HOUR) < 5, f"the timestamp does not follow: {line.text}")
        return case.judge()


@fault("wall clock set back an hour", "no spike, no gap; energy exact", short=True)
def _():
    with MovedClocks() as case:
        case.clock.move(wall=-HOUR)
        case.backwards = 1
        line = case.witness.fresh(3)
        expect(abs(line.timestamp - time.time() + HOUR) < 5, f"the timestamp does not follow: {line.text}")
        return case.judge()


@fault("sampler delayed by 10 s", "one long window, no spike; energy exact")
def _():
    with Case() as case:
        os.kill(case.service.pid, signal.SIGSTOP)
        time.sleep(10)
        os.kill(case.service.pid, signal.SIGCONT)
        case.witness.fresh(3)
        return case.judge()
