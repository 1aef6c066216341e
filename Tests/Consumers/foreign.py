"""Programs that read RAPL from powercap, unchanged: what they show as root, as an ordinary user, and with the service's tree."""

import concurrent.futures
import os
import shutil

from harness import Failure, Impossible, check, expect
from places import NEWER, Nothing, Place, REAL, WATTS, within
from programs import PROGRAMS

# What all of them are said to measure, in watts, by what they may be named.
TRUTH = {"package-0": WATTS[0], "package-1": WATTS[1], "packages": sum(WATTS)}
_runs = {}


def begin():
    """Starts the programs, side by side: they mostly wait."""
    if _runs:
        return
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        raise Impossible("needs root")
    # An emulated machine is too slow for all at once.
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=3 * (1 if REAL else len(CHOSEN)))
    for name in CHOSEN:
        function, _, newer, cpu = PROGRAMS[name]
        for who in ("root", "user", "with"):
            _runs[name, who] = pool.submit(run, function, who, name, newer, cpu)
    pool.shutdown(wait=False)


def run(function, who, name, newer, cpu):
    return function(Place(who, name.replace(" ", "-").replace("'", ""), newer, cpu))


def result(name, who):
    try:
        return _runs[name, who].result()
    except Nothing as nothing:
        raise Failure(f"{name} shows nothing ({who}): {nothing}") from None


def text(watts):
    return ", ".join(f"{value:.2f} W" for value in watts.values())


def compare(name, step):
    begin()
    root, shown = result(name, "root"), result(name, "with")
    for part, watts in root.items():
        expect(part in shown, f"{name} shows nothing for {part}")
        within(f"{name} ({part})", shown[part], watts, step)
        if part in TRUTH:
            within(f"{name} ({part}), as root,", watts, TRUTH[part], step)
    try:
        alone = text(_runs[name, "user"].result())
    except Nothing as nothing:
        return f"{text(shown)}; as root {text(root)}; without the tree: {nothing}"
    expect(False, f"{name} shows {alone} to an ordinary user without the tree")


# Those that are here: the named ones, or all.
CHOSEN = os.environ["FOREIGN"].split(",") if "FOREIGN" in os.environ else [
    name for name, (_, _, newer, _) in PROGRAMS.items() if NEWER or not newer]

for _name in CHOSEN:
    check(f"{_name} shows an ordinary user with the tree what it shows root without it")(
        lambda name=_name: compare(name, PROGRAMS[name][1]))
