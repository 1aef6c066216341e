"""One machine, measured by ours and by both turbostats in the same seconds."""

import json
import os
import socket
import subprocess
import tempfile
import time

import turbostats
from machine import WRAP_SECONDS, Machine

# How far the watts may lie apart, in parts: turbostat's rows are rounded to 0.01 W and timed on a busy machine, and its DRAM unit of
# 15.3 uJ is 2^-16 J rounded.
TOLERANCE = 0.01
PATIENCE_SECONDS = 12
# If a turbostat ends at once.
SHORTEST_SECONDS = 2
ATTEMPTS = 2


class Ours:
    """Our service on a machine."""

    def __init__(self, program, machine):
        self._path = os.path.join(machine.folder, "socket")
        self._log = open(os.path.join(machine.folder, "log"), "w+")
        self._process = subprocess.Popen(
            [program, "serve", "--source", "msr", "--root", machine.root, "--socket", self._path, "--user", "root",
             "--interval", "0.5"],
            stdout=self._log, stderr=self._log)

    def __enter__(self):
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self._connection = socket.socket(socket.AF_UNIX)
                self._connection.settimeout(PATIENCE_SECONDS)
                self._connection.connect(self._path)
                break
            except OSError as error:
                self._connection.close()
                if self._process.poll() is not None or time.monotonic() > end:
                    self.__exit__()
                    raise RuntimeError(f"ours does not serve: {error}") from error
                time.sleep(0.02)
        self._connection.sendall(b'{"subscribe": "sample", "interval_seconds": 0.5}\n')
        self._lines = self._connection.makefile()
        return self

    def __exit__(self, *error):
        self._connection.close()
        self._process.terminate()
        self._process.wait()
        self._log.close()

    def limits(self):
        """The answer to a question for limits."""
        self._connection.sendall(b'{"get": "limits"}\n')
        try:
            for line in self._lines:
                answer = json.loads(line)
                if "error" in answer:
                    raise RuntimeError(answer["error"]["message"])
                if "limits" in answer:
                    return answer["limits"]
        except OSError as error:
            raise RuntimeError(f"ours gives no limits: {error}") from error
        raise RuntimeError("ours has ended")

    def sample(self, after=0.0):
        """The first sample whose window ends after a moment, by CLOCK_MONOTONIC."""
        try:
            for line in self._lines:
                answer = json.loads(line)
                if "error" in answer:
                    raise RuntimeError(answer["error"]["message"])
                if "sample" in answer and answer["sample"]["monotonic_seconds"] > after:
                    return answer["sample"]
        except OSError as error:
            raise RuntimeError(f"ours gives no sample: {error}") from error
        raise RuntimeError("ours has ended")


def _energy(sample):
    """Joules of each domain of each place; psys of the first package is the machine's."""
    joules, lower = {}, sample["lower_bound"]
    for package in sample["packages"]:
        place = (package["package"], package.get("die"))
        joules[place, "package"] = package["joules"]
        for name, domain in package["domains"].items():
            joules[place, name] = domain["joules"]
            lower = lower or domain["lower_bound"]
    return joules, lower


def _ours(first, last, is_amd):
    before, _ = _energy(first)
    after, lower = _energy(last)
    seconds = last["monotonic_seconds"] - first["monotonic_seconds"]
    watts = {}
    for key, joules in after.items():
        place, domain = key
        value = (joules - before.get(key, 0)) / seconds
        if domain == "psys":
            watts.setdefault((None, domain), value)
        elif domain == "core" and is_amd:
            watts[None, domain] = watts.get((None, domain), 0) + value
        else:
            watts[key] = value
    return watts, lower


class Row:
    """One domain of one machine."""

    def __init__(self, trial, place, domain, truth, ours, theirs):
        self.trial, self.place, self.domain, self.truth, self.ours, self.theirs = trial, place, domain, truth, ours, theirs

    def ratio(self, index):
        theirs = self.theirs[index]
        return None if not theirs or self.ours is None else self.ours / theirs

    @property
    def is_true(self):
        """Whether ours is what the registers counted, and nothing if they did not."""
        if self.truth is None or self.ours is None:
            return self.truth is None and self.ours is None
        return abs(self.ours / self.truth - 1) <= TOLERANCE

    def agrees(self, index):
        """Whether ours and this turbostat say the same; where they do, there is nothing to explain."""
        theirs = self.theirs[index]
        if self.ours is None or theirs is None:
            return self.ours is None and theirs is None
        return self.ratio(index) is not None and abs(self.ratio(index) - 1) <= TOLERANCE


class Trial:
    """What came of a machine: a row for each domain that it, ours or a turbostat has."""

    def __init__(self, program, references, tried, variant):
        self.tried, self.variant = tried, variant
        self.attempts, self.rows, self.errors, self.trouble = 0, [], [], None
        self._program, self._references = program, references

    def run(self, is_good):
        """Measures, and again if the rows are not good: on a busy machine a window may be off, a wrong unit always is."""
        for _ in range(ATTEMPTS):
            self.attempts += 1
            try:
                inside = self._measure()
            except RuntimeError as error:
                self.trouble = str(error)
                continue
            if inside and is_good(self):
                break
        return self

    def _measure(self):
        with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
            os.chmod(folder, 0o755)
            with Machine(self.tried, self.variant, folder) as machine, Ours(self._program, machine) as ours:
                first = ours.sample()
                runs = [reference.start(machine) for reference in self._references]
                outputs = [run.end(PATIENCE_SECONDS) for run in runs]
                last = ours.sample(max(time.monotonic(), first["monotonic_seconds"] + SHORTEST_SECONDS))
                moved = time.time() - time.monotonic()
                self._take(machine, *_ours(first, last, machine.is_amd), outputs)
                return not self.variant.wraps or self._wrapped_inside(machine, first, last, outputs, moved)

    def _wrapped_inside(self, machine, first, last, outputs, moved):
        wrap = machine.begun + WRAP_SECONDS
        times = [[each - moved for each in output.times] for output in outputs]
        inside = first["monotonic_seconds"] < wrap - 0.3 and last["monotonic_seconds"] > wrap + 0.3
        for each in times:
            # The first interval began a second before its end.
            if each and not (each[0] - 1 < wrap - 0.3 and each[-1] > wrap + 0.3):
                inside = False
        if not inside:
            self.trouble = "the wrap was outside of a window"
        return inside

    def _take(self, machine, ours, lower, outputs):
        truth = machine.truth()
        self.trouble = "ours says that it is a lower bound" if lower else None
        self.errors = [output.error for output in outputs]
        keys = dict.fromkeys([*truth, *ours])
        # turbostat knows no dies: its row of a package is that of the package's first CPU, so of the first die.
        first_of = {place[0]: place for place, _ in reversed(keys) if place}
        shown = [
            {(None if package is None else first_of[package], domain): watts
             for (package, domain), watts in output.watts.items() if package is None or package in first_of}
            for output in outputs]
        for each in shown:
            keys.update(dict.fromkeys(each))
        self.rows = [
            Row(self, *key, truth.get(key), ours.get(key), [each.get(key) for each in shown]) for key in keys]
