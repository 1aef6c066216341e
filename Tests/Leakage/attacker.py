"""Reads one way, or all ways at once, and writes down everything with the times before and after: what an attacker does.

    attacker.py raw MSR-NODE PLAN OUT             the register itself (only root can)
    attacker.py naive SOCKET PLAN OUT             a server that reads the register for everyone who asks
    attacker.py line SOCKET PLAN OUT              one plain connection, which sends nothing
    attacker.py waking SOCKET PLAN OUT            one plain connection at a time, which wakes the service up at moments of its choice
    attacker.py pace SOCKET PLAN OUT              the same without a plan: prints how many milliseconds are between its windows
    attacker.py all SOCKET TREE PLAN OUT          everything that an ordinary user can read while the service is awake

PLAN is a JSON file, written once it is known: when the load begins and ends, until when it changes fast, and when visits begin, by
CLOCK_MONOTONIC. Every record is a line: the times before and after, where it is from, and what it says.
"""

import json
import os
import selectors
import socket
import sys
import threading
import time

REGISTER = 0x611
# Between reads while the load changes fast, and otherwise: the register itself moves every millisecond.
FAST_SECONDS, SLOW_SECONDS = 0.0002, 0.004
TREE_FAST_SECONDS = 0.0005
# How long before the wanted end of a window a client comes: less than the grid's 50 ms on which such windows end.
WAKING_SECONDS = 0.03
STAY_SECONDS, ABSENCE_SECONDS = 0.03, 0.03
PLAN_PATIENCE = 120


class Records:
    def __init__(self, path):
        self._file = open(path, "w", encoding="ascii", buffering=1 << 20)
        self._lock = threading.Lock()

    def add(self, before, after, source, text):
        with self._lock:
            self._file.write(f"{before:.6f} {after:.6f} {source} {text}\n")

    def close(self):
        with self._lock:
            # To translate the times that lines have.
            self._file.write(f"0 0 clocks {time.time() - time.monotonic():.6f}\n")
            self._file.close()


class Plan:
    def __init__(self, path):
        end = time.monotonic() + PLAN_PATIENCE
        while not os.path.exists(path):
            if time.monotonic() > end:
                sys.exit("attacker: there is no plan")
            time.sleep(0.02)
        with open(path, encoding="ascii") as file:
            plan = json.load(file)
        self.begin, self.end, self.fast_end, self.visits = plan["begin"], plan["end"], plan["fast_end"], plan["visits"]

    def pause(self, fast):
        now = time.monotonic()
        return fast if self.begin <= now < self.fast_end else SLOW_SECONDS


def connect(path):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(path)
    return connection


def raw(node, plan, records):
    descriptor = os.open(node, os.O_RDONLY)
    while time.monotonic() < plan.end:
        before = time.monotonic()
        value = int.from_bytes(os.pread(descriptor, 8, REGISTER), "little")
        records.add(before, time.monotonic(), "raw", value)
        time.sleep(plan.pause(FAST_SECONDS))


def naive(path, plan, records):
    connection = connect(path)
    while time.monotonic() < plan.end:
        before = time.monotonic()
        connection.sendall(b"?")
        value = int.from_bytes(connection.recv(8, socket.MSG_WAITALL), "little")
        records.add(before, time.monotonic(), "raw", value)
        time.sleep(plan.pause(FAST_SECONDS))


def line(path, plan, records):
    connection = connect(path)
    connection.settimeout(5)
    pending = b""
    while time.monotonic() < plan.end:
        before = time.monotonic()
        pending += connection.recv(4096)
        *lines, pending = pending.split(b"\n")
        for text in lines:
            records.add(before, time.monotonic(), "line", text.decode())


def waking(path, plan, records):
    """Makes each window the shortest that it can be; one of them ends at each moment at which a part of the load begins that is made for it."""
    for begin in plan.visits:
        while time.monotonic() < begin - 1.5:
            visit(path, records)
        for moment in (begin - 1, begin - WAKING_SECONDS):
            time.sleep(max(moment - time.monotonic(), 0))
            visit(path, records, until=moment + WAKING_SECONDS + STAY_SECONDS)
    while time.monotonic() < plan.end:
        visit(path, records)


def visit(path, records, until=None):
    """One plain connection. A sleeping service looks at the counters for whoever comes, a quarter of a second after it last did. If its latest
    line is young, it tells that at once, so the visitor stays until the service has looked, and learns of it at the next visit.

    Gives the latest line's time, by CLOCK_MONOTONIC."""
    with connect(path) as connection:
        connection.settimeout(3)
        # Not a part of version 1: what comes of it is not counted as the line's.
        connection.sendall(b'{"get": "sample"}\n{"get": "history", "seconds": 2}\n')
        before = time.monotonic()
        pending = b""
        while pending.count(b"\n") < 3 and (received := connection.recv(65536)):
            pending += received
        after = time.monotonic()
        latest = None
        for text in pending.decode().splitlines():
            records.add(before, after, next(kind for kind in ("power_watts", "sample", "history") if f'"{kind}"' in text), text)
            if "power_watts" in text:
                latest = json.loads(text)["timestamp"] - (time.time() - time.monotonic())
        until = until or max(latest + 0.25, after) + STAY_SECONDS
        time.sleep(max(until - time.monotonic(), 0))
    # It falls asleep first: otherwise it would only tell the latest line.
    time.sleep(ABSENCE_SECONDS)
    return latest


def pace(path, _, records):
    ends = [visit(path, records) for _ in range(30)]
    periods = sorted(later - earlier for earlier, later in zip(ends[4:], ends[5:]))
    print(round(periods[len(periods) // 2] * 1000, 1))


class Everything:
    """Sockets of all kinds, in one thread."""

    SUBSCRIPTIONS = (0.25, 0.5, 0.75, 1.0, 2.0)
    PLAIN = 16

    def __init__(self, path, records):
        self.path, self.records = path, records
        self.selector = selectors.DefaultSelector()
        for _ in range(self.PLAIN):
            self.add("line")
        for seconds in self.SUBSCRIPTIONS:
            self.add("subscription", {"subscribe": "sample", "interval_seconds": seconds})
        self.add("bare", {"subscribe": "sample", "interval_seconds": 0.25, "domains": False})
        self.asker = self.add("asked")
        self.historian = self.add("history")
        self.guests = []

    def add(self, source, request=None):
        connection = connect(self.path)
        if request:
            self.ask(connection, request)
        self.selector.register(connection, selectors.EVENT_READ, [source, b""])
        return connection

    def ask(self, connection, request):
        connection.sendall(json.dumps(request).encode() + b"\n")

    def run(self, plan):
        due = {"ask": 0.0, "history": 0.0, "guest": 0.0}
        while (now := time.monotonic()) < plan.end:
            if now >= due["ask"]:
                self.ask(self.asker, {"get": "sample"})
                due["ask"] = now + 0.1
            if now >= due["history"]:
                self.ask(self.historian, {"get": "history", "seconds": 3})
                due["history"] = now + 0.5
            if now >= due["guest"]:
                # One more comes, gets the latest line, and goes.
                self.guests.append(self.add("line"))
                if len(self.guests) > 5:
                    guest = self.guests.pop(0)
                    self.selector.unregister(guest)
                    guest.close()
                due["guest"] = now + 0.11
            for key, _ in self.selector.select(0.05):
                self.take(key, now)

    def take(self, key, before):
        source, pending = key.data
        received = key.fileobj.recv(65536)
        if not received:
            sys.exit(f"attacker: the service has closed a connection ({source})")
        *lines, key.data[1] = (pending + received).split(b"\n")
        after = time.monotonic()
        for text in lines:
            self.records.add(before, after, source, text.decode())


def read_tree(folder, plan, records):
    files = {}
    for zone in sorted(os.listdir(folder)):
        if zone.startswith("intel-rapl:"):
            with open(os.path.join(folder, zone, "name"), encoding="ascii") as file:
                name = file.read().strip()
            files[name] = os.open(os.path.join(folder, zone, "energy_uj"), os.O_RDONLY)
    others = [name for name in files if name != "package-0"]
    turn = 0
    while time.monotonic() < plan.end:
        turn += 1
        for name in ("package-0", others[turn % len(others)]):
            before = time.monotonic()
            value = int(os.pread(files[name], 64, 0))
            records.add(before, time.monotonic(), "tree:" + name, value)
        time.sleep(plan.pause(TREE_FAST_SECONDS))


def everything(path, folder, plan, records):
    sockets = Everything(path, records)
    failures = []

    def tree():
        try:
            read_tree(folder, plan, records)
        except OSError as error:
            failures.append(error)

    thread = threading.Thread(target=tree, daemon=True)
    thread.start()
    sockets.run(plan)
    # Not by join, whose timeout is the machine's own: the clock may run slower.
    while thread.is_alive() and time.monotonic() < plan.end + 10:
        time.sleep(0.01)
    if failures or thread.is_alive():
        sys.exit(f"attacker: the tree does not answer: {failures}")


WAYS = {"raw": raw, "naive": naive, "line": line, "waking": waking, "pace": pace, "all": everything}


def main():
    way, *places, plan, out = sys.argv[1:]
    records = Records(out)
    try:
        WAYS[way](*places, None if way == "pace" else Plan(plan), records)
    finally:
        records.close()


if __name__ == "__main__":
    main()
