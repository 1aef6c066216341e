"""One table: a row for each fault, what is expected of the service, and what was seen."""

import concurrent.futures
import subprocess
import textwrap
import time
import traceback

from harness import Failure, Impossible
from places import HAS_DEVICE, IS_ROOT

_rows = []


class Row:
    def __init__(self, name, expected, function, needs, short, alone):
        self.name, self.expected, self.function = name, expected, function
        self.needs, self.short, self.alone = needs, short, alone


def fault(name, expected, needs="device", short=False, alone=False):
    """Adds a row. Its function gives what was seen, or raises where that is not what is expected.

    needs: "device" (root and FUSE), "root", or nothing. alone: it keeps this machine so busy that others would suffer.
    """

    def add(function):
        _rows.append(Row(name, expected, function, needs, short, alone))
        return function

    return add


def _reason(row):
    """Why this machine cannot make it."""
    if row.needs and not IS_ROOT:
        return "needs root"
    return "needs /dev/fuse" if row.needs == "device" and not HAS_DEVICE else None


def _run(row):
    """What became of it, and the words that say so."""
    began = time.monotonic()
    try:
        if reason := _reason(row):
            raise Impossible(reason)
        mark, seen = "ok", row.function()
    except Impossible as reason:
        mark, seen = "not made", str(reason)
    except Exception as error:
        known = isinstance(error, (Failure, subprocess.TimeoutExpired))
        mark, seen = "FAIL", str(error) if known else traceback.format_exc()
    return mark, seen, time.monotonic() - began


def _print(row, mark, seen, took):
    cells = [textwrap.wrap(text, width) or [""] for text, width in ((row.name, 34), (row.expected, 38), (seen, 58))]
    for number in range(max(map(len, cells))):
        name, expected, seen = (cell[number] if number < len(cell) else "" for cell in cells)
        head = f"{mark:8}" if number == 0 else " " * 8
        tail = f"{took:6.1f} s" if number == 0 else ""
        print(f"{head} {name:34}  {expected:38}  {seen:58}{tail}".rstrip(), flush=True)


def run_all(short, names, jobs):
    """Makes the rows whose names contain one of these words, or all; gives whether all are as expected."""
    rows = [
        row for row in _rows if (row.short or not short) and (not names or any(name in row.name for name in names))]
    print(f"{'':8} {'fault':34}  {'expected':38}  seen", flush=True)
    counts = dict.fromkeys(("ok", "not made", "FAIL"), 0)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for row, result in [(row, pool.submit(_run, row)) for row in rows if not row.alone]:
            _print(row, *result.result())
            counts[result.result()[0]] += 1
    for row in rows:
        if row.alone:
            result = _run(row)
            _print(row, *result)
            counts[result[0]] += 1
    print(f"{counts['ok']} as expected, {counts['FAIL']} not, {counts['not made']} not made on this machine.", flush=True)
    return counts["FAIL"] == 0
