"""The service as a process: its log, what it costs, and how it ends."""

import os
import signal
import socket
import subprocess

from harness import Failure, expect, wait_for
from places import IS_ROOT
from report.server import Process


class Service(Process):
    """Runs the program, which answers from then on."""

    def __init__(self, program, folder, *options, name="watts.sock", wrapper=(), stderr=None, **environment):
        self.path = os.path.join(folder, name)
        self._log = os.path.join(folder, name + ".log")
        with open(self._log, "ab") as log:
            super().__init__(
                *wrapper, program, "serve", "--socket", self.path, *options, stdout=subprocess.DEVNULL,
                stderr=stderr or log, env={**os.environ, **environment})
        try:
            wait_for("the service to answer", self._answers, 20)
        except Failure:
            self.process.kill()
            self.process.wait()
            raise

    def _answers(self):
        if self.process.poll() is not None:
            raise Failure(f"the service ended: {self.log()}")
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(self.path) == 0

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        with open(self._log, errors="replace") as file:
            return file.read()

    def says(self, words, seconds=30):
        """Waits until the log has these words, and gives them."""
        try:
            wait_for(f"{words!r} in the log", lambda: words in self.log(), seconds)
        except Failure as failure:
            raise Failure(f"{failure}; it has: {self.log()[-600:]}") from None
        return words

    def holdings(self):
        """How many descriptors and threads it has: as far as they may be seen, which takes root."""
        names = {"fd": "descriptors", "task": "threads"} if IS_ROOT else {"task": "threads"}
        return {name: len(os.listdir(f"/proc/{self.pid}/{folder}")) for folder, name in names.items()}

    def children(self):
        return [int(child) for text in self.tasks("children") for child in text.split()]

    def end(self, number=signal.SIGTERM, seconds=10):
        """Ends it, and gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f"it did not end within {seconds} s of signal {number}") from None

    def end_in_order(self):
        code = self.end()
        expect(code == 0, f"it ended with {code}: {self.log()[-600:]}")
        expect(not os.path.lexists(self.path), "its socket is still there")
