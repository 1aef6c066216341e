"""Clients that come and go, all of them well-behaved, and look at every line that they get."""

import json
import selectors
import socket
import threading
import time

from witness import Line, missing

REQUESTS = [
    {"get": "info"}, {"get": "sample"}, {"get": "history", "seconds": 60}, {"get": "history", "seconds": 3600},
    {"get": "nothing"},
]


class _Client:
    """One that reads lines unasked (a reader), subscribes, or asks."""

    def __init__(self, kind, path, random, steps):
        self.kind, self._random, self._steps, self._steps_before = kind, random, steps, steps()
        self.until = time.monotonic() + random.expovariate(1 / 8)
        self.lines, self.malformed, self.disorder, self.missing, self.waiting = [], 0, 0, 0, 0
        self._unfinished, self._sample = b"", None
        self.asks_at = None
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.socket.setblocking(False)
        if kind == "subscriber":
            interval = random.choice([None, 0.25, 0.5, 1, 2])
            self._ask({"subscribe": "sample"} | ({"interval_seconds": interval} if interval else {}))
        elif kind == "asker":
            self.ask()

    def ask(self):
        self.asks_at = None
        self._ask(self._random.choice(REQUESTS))

    def _ask(self, request):
        # Small, and never more than one on its way: it fits.
        self.waiting += 1
        self.socket.send(json.dumps(request).encode() + b"\n")

    def _clock_stands(self):
        """Whether nobody has set the wall clock since it came: an odd count is of a step whose first line is on its way."""
        return self._steps() == self._steps_before and self._steps_before % 2 == 0

    def read(self):
        """Takes in what has come; gives how many lines, or None where the connection has ended."""
        try:
            data = self.socket.recv(262_144)
        except OSError:
            data = b""
        if not data:
            return None
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        for line in lines:
            self._take(line)
        return len(lines)

    def _take(self, text):
        if text.startswith(b'{"power_watts"'):
            line = Line(text)
            self.malformed += line.is_malformed
            if self.lines and line.timestamp < self.lines[-1].timestamp and self._clock_stands():
                self.disorder += 1
            return self.lines.append(line)
        try:
            name, value = next(iter(json.loads(text).items()))
        except (ValueError, AttributeError, StopIteration):
            self.malformed += 1
            return None
        if self.kind == "subscriber" and name == "sample":
            return self._take_sample(value)
        self.waiting -= 1
        if self.kind == "asker":
            self.asks_at = time.monotonic() + self._random.uniform(0, 0.5)
        return None

    def _take_sample(self, sample):
        if self._sample:
            self.missing += missing(self._sample, sample)
            self.disorder += sample["monotonic_seconds"] < self._sample["monotonic_seconds"]
        self._sample = sample


class Churn:
    """Up to so many at a time, from a thread of its own."""

    def __init__(self, path, random, most=40, steps=lambda: 0):
        self._path, self._random, self._most, self._steps = path, random, most, steps
        self._selector = selectors.DefaultSelector()
        self._clients, self.gone = [], []
        self.sent = self.cut = 0
        self.error = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._guarded, daemon=True)
        self._thread.start()

    def _guarded(self):
        try:
            self._run()
        except Exception as error:
            self.error = error

    def _run(self):
        while not self._stop.is_set():
            if len(self._clients) < self._random.randint(0, self._most):
                kind = self._random.choice(["reader", "reader", "subscriber", "asker"])
                client = _Client(kind, self._path, self._random, self._steps)
                self._clients.append(client)
                self._selector.register(client.socket, selectors.EVENT_READ, client)
            for key, _ in self._selector.select(0.05):
                count = key.data.read()
                if count is None:
                    self.cut += 1
                    self._go(key.data)
                else:
                    self.sent += count
            now = time.monotonic()
            for client in list(self._clients):
                if client.until < now:
                    self._go(client)
                elif client.asks_at is not None and client.asks_at < now:
                    client.ask()
        for client in list(self._clients):
            self._go(client)

    def _go(self, client):
        self._selector.unregister(client.socket)
        client.socket.close()
        self._clients.remove(client)
        self.gone.append(client)

    def stop(self):
        self._stop.set()
        self._thread.join(10)
        if self.error:
            raise self.error

    def lost(self, witness):
        """How many lines those that came and went have missed, held against a witness who was there all the time."""
        texts = [line.text for line in witness.lines]
        places = {}
        for place, text in enumerate(texts):
            places.setdefault(text, []).append(place)
        missing = sum(client.missing for client in self.gone)
        for client in self.gone:
            # After the first line there is a silence.
            got = [line.text for line in client.lines[2:]]
            if client.kind == "reader" and got:
                fits = any(texts[place:place + len(got)] == got for place in places.get(got[0], []))
                missing += not fits
        return missing
