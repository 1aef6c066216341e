"""Clocks of a service that can be moved while it runs."""

import os
import struct
import subprocess

from places import TOP


class Clock:
    """Made before the service is started, with `environment`."""

    def __init__(self, folder):
        library = os.path.join(folder, "clock.so")
        self._path = os.path.join(folder, "clock")
        source = os.path.join(TOP, "Tests/Faults/clock.c")
        subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        self._asleep = self._wall = 0
        self.move()
        self.environment = {"LD_PRELOAD": library, "FAULTS_CLOCK": self._path}

    def move(self, asleep=0, wall=0):
        """By so many seconds more: both in one step."""
        self._asleep += asleep
        self._wall += wall
        with open(self._path, "r+b" if os.path.exists(self._path) else "wb") as file:
            file.write(struct.pack("<qq", self._asleep * 10**9, self._wall * 10**9))
