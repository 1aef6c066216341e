"""A limit on the memory of a process and all that the kernel keeps for it, sockets included."""

import os

from harness import Impossible

_V1, _V2 = "/sys/fs/cgroup/memory", "/sys/fs/cgroup"


class MemoryLimit:
    """A control group of so many megabytes; programs are started in it by `wrapper`."""

    def __init__(self, megabytes):
        self._folder, limit, self._peak = (
            (_V1, "memory.limit_in_bytes", "memory.max_usage_in_bytes") if os.path.isdir(_V1)
            else (_V2, "memory.max", "memory.peak"))
        self._folder = os.path.join(self._folder, f"pkg-watt-stat-faults-{os.getpid()}")
        try:
            os.mkdir(self._folder)
            with open(os.path.join(self._folder, limit), "w") as file:
                file.write(str(megabytes << 20))
        except OSError as error:
            if os.path.isdir(self._folder):
                os.rmdir(self._folder)
            raise Impossible(f"no control group for memory can be made here: {error}") from None
        self.wrapper = ["sh", "-c", f'echo $$ > {self._folder}/cgroup.procs && exec "$@"', "sh"]

    def peak_megabytes(self):
        with open(os.path.join(self._folder, self._peak)) as file:
            return int(file.read()) / (1 << 20)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        os.rmdir(self._folder)
