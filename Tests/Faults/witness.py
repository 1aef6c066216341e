"""A client that behaves, and misses nothing of what it is sent."""

import json
import re
import socket
import threading
import time

from harness import Failure, expect, wait_for

LINE = re.compile(rb'\{"power_watts": (\d+\.\d{1,2}), "timestamp": (\d+\.\d{1,3}), "status": "(ok|stale|simulated)"\}')


class Line:
    def __init__(self, text):
        found = LINE.fullmatch(text)
        self.is_malformed = found is None
        self.text = text.decode(errors="replace")
        self.arrival = time.monotonic()
        self.watts, self.timestamp, self.status = (
            (float(found[1]), float(found[2]), found[3].decode()) if found else (0.0, 0.0, "malformed"))

    @property
    def is_fresh(self):
        return self.status in ("ok", "simulated")


class Witness:
    """Reads from a thread of its own, from the start to the end."""

    def __init__(self, path, request=None):
        self.lines = []
        self.ended = False
        self._unfinished = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        if request:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _make(self, text):
        return Line(text)

    def _read(self):
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError:
                data = b""
            if not data:
                self.ended = True
                return
            *lines, self._unfinished = (self._unfinished + data).split(b"\n")
            self.lines += [self._make(line) for line in lines]

    def wait(self, what, condition, seconds=30):
        """Waits until a line of those that come from now on fits, and gives it."""
        place = len(self.lines)

        def fitting():
            expect(not self.ended, f"the connection ended while waiting for {what}")
            return next((line for line in self.lines[place:] if condition(line)), None)

        try:
            return wait_for(what, fitting, seconds)
        except Failure as failure:
            last = self.lines[-1].text if self.lines else "none"
            raise Failure(f"{failure}; the last line is {last}") from None

    def fresh(self, count=1, seconds=30):
        """Waits for so many fresh lines."""
        for _ in range(count):
            line = self.wait("a fresh line", lambda line: line.is_fresh, seconds)
        return line

    def stale(self, seconds=30):
        return self.wait("a stale line", lambda line: line.status == "stale", seconds)

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The service has gone.
        self._thread.join(5)
        self._socket.close()


class Subscriber(Witness):
    """The same, as a subscriber whose samples are numbered."""

    def __init__(self, path):
        super().__init__(path, {"subscribe": "sample"})

    def _make(self, text):
        return json.loads(text)

    def missed(self):
        """How many samples are missing between those that it got: a stale one is the latest once more."""
        samples = [line["sample"] for line in self.lines if "sample" in line]
        expect(samples, "the subscriber has got no sample")
        return sum(missing(before, sample) for before, sample in zip(samples, samples[1:]))


def missing(before, sample):
    """How many samples a subscriber has missed between two."""
    return abs(sample["sequence"] - before["sequence"] - (sample["status"] != "stale"))


def lost(one, other, seconds=5):
    """How many lines either of two witnesses has missed, from the first fresh one on that both have; the silence after a
    connection's first line is over by its third."""
    shared = {line.text for line in one.lines[2:] if line.is_fresh} & {line.text for line in other.lines[2:]}
    begin = next((line.text for line in one.lines[2:] if line.text in shared), None)
    if begin is None:
        raise Failure("the witnesses have no line in common")

    def count_missing():
        texts = [[line.text for line in [*each.lines][2:]] for each in (one, other)]
        first, second = (each[each.index(begin):] for each in texts)
        both = min(len(first), len(second))
        # One of them may just have got a line that the other gets next.
        if first[:both] == second[:both] and abs(len(first) - len(second)) <= 1:
            return 0
        return max(len(set(first) ^ set(second)), 1)

    end = time.monotonic() + seconds
    while (count := count_missing()) and time.monotonic() < end:
        time.sleep(0.1)
    return count
