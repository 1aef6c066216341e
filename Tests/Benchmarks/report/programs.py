"""What is measured, and what it is measured with: built, and found."""

import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def built(package):
    command = ["swift", "build", "-c", "release", "--package-path", os.path.join(TOP, "Tests", package)]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return output(*command, "--show-bin-path").strip()


class Programs:
    """Paths by name: `programs.floor`, `programs.sampling_floor`."""

    def __init__(self, device, references=True):
        self.service = output(os.path.join(TOP, "scripts/packaging/program")).strip()
        if not references:
            return
        # It starts the server that is built beside it.
        output(os.path.join(TOP, "scripts/packaging/powercap-tree"))
        self._folder = built("Benchmarks")
        self.device = os.path.join(built("MSRDevice"), "msr-device") if device else None

    def __getattr__(self, name):
        return os.path.join(self._folder, name.replace("_", "-"))
