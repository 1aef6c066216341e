"""Clients that misbehave: whatever they do, the others miss nothing and the service measures on."""

import os
import re
import time

from bad_clients import BadClients
from case import INTERVAL, Case
from harness import expect, wait_for
from places import IS_ROOT
from table import fault
from witness import Witness

MOST_KILOBYTES = 16 * 1024
CALM = "others miss nothing; energy exact"


def misbehave(kind, count, lines=8, **launch):
    """Clients of a kind are there while so many lines go by. Gives what was seen, and what they saw."""
    with Case(**launch) as case:
        cpu, memory = case.service.cpu_seconds(), IS_ROOT and case.service.memory("Anonymous")
        with BadClients(kind, case.service.path, count) as clients:
            case.witness.fresh(lines)
            cost = f"{case.service.cpu_seconds() - cpu:.1f} s CPU in {lines * INTERVAL:.0f} s"
            if IS_ROOT:
                memory = max(case.service.memory("Anonymous") - memory, 0)
                expect(memory <= MOST_KILOBYTES, f"they cost {memory} kB of memory")
                cost += f", {memory} kB"
        return f"{case.judge()}; {count} such: {cost}", clients.seen


@fault("clients that never read", CALM, needs=None, short=True)
def _():
    return misbehave("never_reads", 200)[0]


@fault("clients that flood requests", CALM + "; memory within 16 MB", needs=None, short=True, alone=True)
def _():
    said, seen = misbehave("floods", 20)
    expect(seen["answers"] > 100, f"they were not answered: {seen}")
    return said


@fault("one user attacks by all means", "others miss nothing, and are served within 100 ms", needs="root", alone=True)
def _():
    # Accepting is beside a user's share, and grows with the rate at which they come: what it takes is said, not bounded.
    with Case(device=None, wrapper=["taskset", "-c", str(min(os.sched_getaffinity(0)))]) as case:
        others = []
        with BadClients("attacks", case.service.path, 3000) as clients:
            case.witness.fresh(4)
            cpu, began = case.service.cpu_seconds(), time.monotonic()
            while time.monotonic() - began < 10:
                connecting = time.monotonic()
                late = Witness(case.service.path)
                wait_for("somebody else's line", lambda: late.lines)
                others.append(late.lines[0].arrival - connecting)
                late.close()
                time.sleep(0.05)
            share = (case.service.cpu_seconds() - cpu) / (time.monotonic() - began)
        expect(clients.seen["answers"] > 100, f"the attack was no attack: {clients.seen}")
        longest = max(others) * 1000
        expect(longest <= 100, f"somebody else waited {longest:.0f} ms for a line")
        return f"{case.judge()}; {len(others)} others came, the slowest was served in {longest:.0f} ms; {share:.0%} of a core"


@fault("connections without end by one user", "4,096 stay, others are served; said once", needs="root", alone=True)
def _():
    with Case(device=None) as case:
        with BadClients("idles", case.service.path, 6000) as clients:
            case.service.says("the limit for one user")
            late = Witness(case.service.path)
            late.fresh()
            late.close()
            case.witness.fresh(4)
        said = len(re.findall("the limit for one user", case.service.log()))
        expect(said == 1, f"it was said {said} times")
        expect(clients.seen["ended"] == 6000 - 4096, f"{clients.seen}")
        return f"{case.judge()}; {clients.seen['ended']} of 6,000 were closed"


@fault("clients that send binary", CALM, needs=None, alone=True)
def _():
    return misbehave("sends_binary", 20)[0]


@fault("clients that half-close", "served like all others; energy exact", needs=None)
def _():
    said, seen = misbehave("half_closes", 100)
    expect(seen["lines"] >= 100 * 6 and not seen["ended"], f"they were not served: {seen}")
    return said


@fault("clients that reset", CALM, needs=None, short=True)
def _():
    said, seen = misbehave("resets", 50)
    expect(seen["connected"] > 200, f"too few came: {seen}")
    return said + f", {seen['connected']} connections"


@fault("clients that dribble a byte a second", "answered in the end; " + CALM, needs=None)
def _():
    said, seen = misbehave("dribbles", 50, lines=40)
    expect(seen["answers"] == 50, f"they were not answered: {seen}")
    return said


@fault("20,000 connects, 1,024 descriptors", "calm, said once; those left are served", needs=None, alone=True)
def _():
    with Case(wrapper=["prlimit", "--nofile=1024:1024"]) as case:
        crowds = [BadClients("bursts", case.service.path, 5000) for _ in range(4)]
        for crowd in crowds:
            crowd.__enter__()
        case.service.says("Cannot accept more clients")
        cpu = case.service.cpu_seconds()
        case.witness.fresh(8)
        cpu = case.service.cpu_seconds() - cpu
        expect(cpu < 2, f"{cpu:.1f} s of CPU in 4 s: it spins")
        said = len(re.findall("Cannot accept more clients", case.service.log()))
        expect(said == 1, f"it was said {said} times")
        seen = [crowd.end() for crowd in crowds]
        # Whoever comes now is served, once those that went are gone.
        late = Witness(case.service.path)
        late.fresh()
        late.close()
        connected = sum(each["connected"] for each in seen)
        waited = sum(each["refused"] for each in seen)
        served = sum(each["lines"] for each in seen)
        expect(connected + waited == 20_000 and served > 900, f"{seen}")
        return f"{case.judge()}; {connected} connected, {waited} were told EAGAIN, {cpu:.1f} s CPU in 4 s"
