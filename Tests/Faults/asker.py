"""A client that asks."""

import json
import os
import socket

from harness import Failure, expect, wait_for


class Asker:
    """Keeps its connection, on which the service counts its samples. As root it gets fresh ones, in full resolution."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(10)
        self._socket.connect(path)
        self._lines = self._socket.makefile("rb")

    def ask(self, request):
        """The answer, without its member's name."""
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            try:
                line = self._lines.readline()
            except OSError as error:
                raise Failure(f"no answer to {request}: {error}") from None
            expect(line.endswith(b"\n"), f"the connection ended without an answer to {request}: {line}")
            answer = json.loads(line)
            if "power_watts" in answer:
                continue
            expect(len(answer) == 1, f"an answer of several members: {line}")
            return answer

    def sample(self):
        answer = self.ask({"get": "sample", "fresh": os.geteuid() == 0})
        expect("sample" in answer, f"no sample: {answer}")
        return answer["sample"]

    def fresh_sample(self):
        """A sample that is not stale: the first one after a loss says that its window began anew."""
        last = None

        def fresh():
            nonlocal last
            last = self.sample()
            return last["status"] != "stale" and last

        try:
            return wait_for("a fresh sample", fresh, 10)
        except Failure:
            raise Failure(f"no sample is fresh; the last is {last}") from None

    def close(self):
        self._lines.close()
        self._socket.close()
