"""The real turbostat, twice: this machine's (Debian 12's), and the newest of the mirror, run by its own loader and libraries."""

import os
import re
import statistics
import subprocess

from mirror import Mirror
from places import DOWNLOADS, TOP

INSTALLED = "/usr/sbin/turbostat"
COLUMNS = {"PkgWatt": "package", "CorWatt": "core", "GFXWatt": "uncore", "RAMWatt": "dram", "SysWatt": "psys"}
# Enough that counters which wrap do so inside, however long a busy machine takes to start all that reads them.
INTERVALS = 4


class Turbostat:
    def __init__(self, name, command, environment=()):
        self.name, self._command, self._environment = name, command, dict(environment)
        shown = subprocess.run([*command, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        found = re.search(r"\d{4}\.\d\d\.\d\d", shown)
        if not found:
            raise SystemExit(f"{command} does not say its version: {shown}")
        self.version = found.group()

    def start(self, machine):
        return self._run(
            machine, ["--quiet", "--interval", "1", "--num_iterations", str(INTERVALS)],
            ["Time_Of_Day_Seconds", "Package", "Die", "CPU", *COLUMNS])

    def describe(self, machine, columns):
        """Starts it with all that it says about a CPU before its table, and a table of one interval."""
        return self._run(machine, ["--interval", "1", "--num_iterations", "1"], columns, {"IMPERSONATE_SENSOR": "1"})

    def _run(self, machine, options, columns, environment=()):
        cpu = machine.tried.cpu
        who = {"IMPERSONATE": f"{cpu.vendor}:{cpu.family}:{cpu.model}"}
        return Run(
            [*machine.namespace(), *self._command, *options, "--show", ",".join(columns)],
            {**os.environ, **self._environment, **who, **dict(environment)})


class Run:
    """One run of turbostat, from its start on."""

    def __init__(self, command, environment):
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self, seconds):
        """Waits for its end, at most so long; then what its tables say."""
        return Output(*self.text(seconds))

    def text(self, seconds):
        """Waits for its end, at most so long; then what it has printed, and its errors."""
        try:
            out, error = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            out, error = self._process.communicate()
            error = f"it was ended after {seconds:.0f} s. {error}"
        return out, error


def typical(watts):
    """Of some intervals' watts the middle one: on a busy machine one may be read late, which makes it too high and the next too
    low. If one is off by half, that is no delay, and counts: the mean."""
    middle = statistics.median(watts)
    return middle if all(0.5 * middle <= each <= 1.5 * middle for each in watts) else sum(watts) / len(watts)


class Output:
    """Watts of each domain of each package, of AMD's cores and psys the machine's at None."""

    def __init__(self, text, error):
        self.error = " ".join(error.split())[:200]
        self.times = []
        values = {}
        header = None
        for line in text.splitlines():
            cells = [cell.strip() for cell in line.split("\t")]
            if "CPU" in cells:
                header = cells
            elif header and cells != [""]:
                self._row(dict(zip(header, cells)), header, values)
        self.watts = {key: typical(each) for key, each in values.items()}

    def _row(self, row, header, values):
        is_system = row["CPU"] == "-"
        by_core = "CorWatt" in header and "PkgWatt" in header and header.index("CorWatt") < header.index("PkgWatt")
        if is_system:
            self.times.append(float(row["Time_Of_Day_Seconds"]))
        for column, domain in COLUMNS.items():
            of_machine = domain == "psys" or (domain == "core" and by_core)
            if not row.get(column) or of_machine != is_system:
                continue
            place = None if of_machine else int(row.get("Package", 0))
            values.setdefault((place, domain), []).append(float(row[column]))


def both():
    """Debian's and the newest."""
    library = os.path.join(DOWNLOADS, "impersonate.so")
    os.makedirs(DOWNLOADS, exist_ok=True)
    source = os.path.join(TOP, "Tests/MSRDevice/turbostat/impersonate.c")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
    root, _ = Mirror().root_of("linux-cpupower", "libcpupower1")
    libraries = os.path.join(root, "usr/lib/x86_64-linux-gnu")
    newest = [
        os.path.join(libraries, "ld-linux-x86-64.so.2"), "--library-path", libraries, "--preload", library,
        os.path.join(root, "usr/sbin/turbostat"), "--no-perf"]
    return Turbostat("Debian's", [INSTALLED], {"LD_PRELOAD": library}), Turbostat("newest", newest)
