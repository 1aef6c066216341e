"""The machine under the service: registers served by the msr device, which knows what was really drawn."""

import os
import subprocess
import time

from harness import Failure, expect, wait_for
from places import DEVICE


class Device:
    """A machine of packages that each draw a constant power. Faults are switched while it runs."""

    def __init__(self, root, *options, watts=(42.5, 17.25)):
        self.root = root
        self.watts = sum(watts)
        os.mkdir(root)
        os.chmod(root, 0o755)
        command = [DEVICE, "--tree", root, *options]
        for each in watts:
            command += ["--watts", str(each)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = self.process.stdout.readline()
        expect(said == "ready\n", f"the msr device does not start: {said}")
        self.began = self._began()

    def control(self, command):
        """Switches a fault: see msr-device --help."""
        with open(os.path.join(self.root, "dev/cpu/control"), "w") as file:
            file.write(command)

    def counter(self, package=0):
        """What a package's energy register shows."""
        descriptor = os.open(os.path.join(self.root, f"dev/cpu/{package * 2}/msr"), os.O_RDONLY)
        try:
            return int.from_bytes(os.pread(descriptor, 8, 0x611), "little")
        finally:
            os.close(descriptor)

    def joules(self, moment):
        """What all packages have drawn since the start, at a moment of the monotonic clock."""
        return self.watts * (moment - self.began)

    def _began(self):
        """When the device's energy was 0: it says what was drawn by now, and this is the closest of some looks."""
        closest = None
        for _ in range(10):
            before = time.monotonic()
            with open(os.path.join(self.root, "dev/cpu/energy")) as file:
                drawn = sum(float(line.split()[1]) for line in file)
            after = time.monotonic()
            look = (after - before, (before + after) / 2 - drawn / self.watts)
            closest = min(closest or look, look)
        if closest[0] > 0.01:
            raise Failure("this machine is too busy to tell what was drawn")
        return closest[1]

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        wait_for("the device to be unmounted", lambda: not os.path.ismount(os.path.join(self.root, "dev/cpu")))
