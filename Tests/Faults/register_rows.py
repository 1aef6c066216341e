"""Faults of the energy registers. A package of 42.5 W and one of 17.25 W, each with two CPUs."""

import time

from case import Case
from harness import expect, wait_for
from table import fault

# 2^-14 J each: about six seconds before the wrap at 42.5 W.
NEAR_WRAP = ("--counter-start", str((1 << 32) - 4_200_000))
EXACT = "no spike; energy exact"
STALE = "stale, then ok; energy exact"
BOUND = "no spike; energy a lower bound"


def before_wrap(case):
    expect(case.device.counter() >= 0xF000_0000, "the wrap came too early: this machine is too busy")


def after_wrap(case):
    wait_for("the wrap", lambda: case.device.counter() < 0xF000_0000)


@fault("wrap", EXACT, short=True)
def _():
    with Case(device=NEAR_WRAP) as case:
        before_wrap(case)
        after_wrap(case)
        return case.judge()


@fault("wrap during a gap", STALE)
def _():
    with Case(device=NEAR_WRAP) as case:
        before_wrap(case)
        case.device.control("eio 0 on")
        case.witness.stale()
        # The register cannot be asked, but what was drawn can.
        time.sleep(max(0, case.device.began + 7 - time.monotonic()))
        case.device.control("eio 0 off")
        return case.judge("stale")


@fault("wrap while nobody is connected", EXACT)
def _():
    with Case(device=NEAR_WRAP) as case:
        before_wrap(case)
        case.leave_for(0, lambda: after_wrap(case))
        return case.judge()


@fault("reset", BOUND, short=True)
def _():
    with Case() as case:
        case.device.control("reset 0")
        case.witness.fresh(3)
        # What was drawn since the reading before it.
        return case.judge(most_lost=42.5 * 2)


@fault("counter jumps ahead", BOUND)
def _():
    with Case() as case:
        case.device.control("set 1 0x80000000")
        case.witness.fresh(3)
        return case.judge(most_lost=17.25 * 4)


@fault("zero reading, once", EXACT, short=True)
def _():
    with Case() as case:
        case.device.control("zero 0 1")
        case.witness.fresh(3)
        return case.judge()


@fault("zero readings that last", STALE)
def _():
    with Case() as case:
        case.device.control("zero 1 on")
        case.witness.stale()
        case.device.control("zero 1 off")
        return case.judge("stale")


@fault("EIO, once", EXACT, short=True)
def _():
    with Case() as case:
        case.device.control("eio 0 1")
        case.witness.fresh(3)
        return case.judge()


@fault("EIO that lasts", STALE + " (a wrap is far)")
def _():
    with Case() as case:
        case.device.control("eio 0 on")
        case.witness.stale()
        reason = case.asker.sample()["reason"]
        expect(reason and "could not be read" in reason, f"the reason is {reason}")
        case.device.control("eio 0 off")
        return case.judge("stale")


@fault("EIO for longer than counters bear", "stale, then ok; energy a lower bound")
def _():
    # So many cores may draw 10 kW, and AMD's counts are worth a quarter of Intel's: after 6.2 s a wrap may have gone by.
    with Case(device=("--cpuinfo", "amd", "--cpus-per-package", "170")) as case:
        case.device.control("eio 0 on")
        time.sleep(9)
        case.device.control("eio 0 off")
        return case.judge("stale", most_lost=42.5 * 15)


@fault("ENXIO of one CPU: another reads", EXACT, short=True)
def _():
    with Case() as case:
        case.device.control("enxio 0 on")
        case.witness.fresh(3)
        case.device.control("enxio 0 off")
        return case.judge()


@fault("ENXIO of a package, and return", STALE)
def _():
    with Case() as case:
        for cpu in (2, 3):
            case.device.control(f"enxio {cpu} on")
        case.witness.stale()
        for cpu in (2, 3):
            case.device.control(f"enxio {cpu} off")
        return case.judge("stale")


@fault("counter that stops", "stale, then ok; no dip but where it stops; energy a lower bound")
def _():
    with Case() as case:
        case.device.control("freeze 0 on")
        case.witness.stale()
        case.device.control("freeze 0 off")
        return case.judge("stale", most_lost=42.5 * 20, dips=1)
