"""A program under measurement, seen through /proc."""

import os
import re
import socket
import subprocess
import time


class Process:
    def __init__(self, *command, stdout=None, stderr=subprocess.DEVNULL, env=None):
        self.began = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=env)

    def tasks(self, name):
        folder = f"/proc/{self.process.pid}/task"
        for task in os.listdir(folder):
            with open(f"{folder}/{task}/{name}") as file:
                yield file.read()

    def cpu_seconds(self):
        return sum(int(text.split()[0]) for text in self.tasks("schedstat")) / 1e9

    def wakeups(self):
        return sum(int(re.search(r"\nvoluntary_ctxt_switches:\s*(\d+)", text).group(1)) for text in self.tasks("status"))

    def memory(self, kind):
        """Kilobytes: Rss, Private (pages that are this process's alone), Private_Dirty, or Anonymous (those of no file)."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as file:
            return sum(int(size) for size in re.findall(rf"^{kind}\w*:\s*(\d+) kB", file.read(), re.M))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait()


class Server(Process):
    def __init__(self, path, *command):
        super().__init__(*command)
        self.path = path

    def wait(self):
        """Until it answers."""
        while True:
            with socket.socket(socket.AF_UNIX) as client:
                try:
                    client.connect(self.path)
                    return self
                except OSError:
                    if self.process.poll() is not None or time.monotonic() - self.began > 10:
                        raise SystemExit(f"benchmark: {self.process.args} does not serve")
            time.sleep(0.001)
