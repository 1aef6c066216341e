"""Clients that misbehave, as the rows use them."""

import json
import os
import subprocess
import sys

from harness import expect

_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients.py")


class BadClients:
    """So many of a kind, for the time of a `with`; afterwards `seen` has what they saw."""

    def __init__(self, kind, path, count):
        self.process = subprocess.Popen(
            [sys.executable, "-IS", _PROGRAM, kind, path, str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.seen = None

    def __enter__(self):
        said = self.process.stdout.readline()
        expect(said == "begun\n", f"the clients did not begin: {said}")
        return self

    def end(self):
        """Ends them, and gives what they saw."""
        if self.seen is None:
            output, _ = self.process.communicate(timeout=60)
            self.seen = json.loads(output or "{}")
        return self.seen

    def __exit__(self, *error):
        self.end()
