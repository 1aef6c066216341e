"""Clients that come, take one line and go, as the original's own widget does every 4 s."""

import json
import socket
import time

from case import Case
from harness import expect
from table import fault

SECONDS = 4.07
POLLS = 13


def poll(path):
    """One line's watts, and how long it took."""
    began = time.monotonic()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(path)
        line = client.recv(1024)
    return json.loads(line)["power_watts"], time.monotonic() - began


@fault("polled every 4.07 s, pulses of 40 over 8 W", "14.4 W within 1 W at every poll after the first")
def _():
    with Case("--interval", "1", device=("--load", "pulses"), watts=(14.4,)) as case:
        case.onlookers.close()
        start = time.monotonic()
        seen = []
        for number in range(POLLS):
            time.sleep(max(start + number * SECONDS - time.monotonic(), 0))
            seen.append(poll(case.service.path))
        watts, took = [each[0] for each in seen[1:]], max(each[1] for each in seen[1:])
        expect(all(abs(each - 14.4) <= 1 for each in watts), f"it said {watts}")
        expect(took < 0.1, f"a line took {took * 1000:.0f} ms")
        return f"{min(watts)} to {max(watts)} W in {len(watts)} polls; {took * 1000:.0f} ms at most until a line"
