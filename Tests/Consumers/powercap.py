"""Programs that read RAPL from powercap, unchanged, as an ordinary user, with the service's own tree."""

import csv
import os
import time

from harness import check, expect, wait_for
from processes import Child, PROGRAM, Service, answers, free_port, get, path

WATTS = [42.5, 17.25]
SECONDS = 30


def within(name, watts, expected, step=0.0):
    """1 %, or one step of the program's display."""
    expect(abs(watts - expected) <= max(0.01 * expected, step), f"{name} says {watts} W in place of {expected} W")


def started(name, *command, environment=None):
    """A program for which the tree stands in the kernel's place."""
    service = Service.device(WATTS)
    user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"] if os.geteuid() == 0 else []
    return Child(
        name, *user, PROGRAM, "with", "--socket", service.socket, "--", *command, environment=environment)


@check("node_exporter's rapl collector counts the joules of both packages, within 1 %")
def _():
    port = free_port()
    node = started(
        "node-exporter-rapl", "prometheus-node-exporter", "--collector.disable-defaults", "--collector.rapl",
        f"--web.listen-address=127.0.0.1:{port}")
    url = f"http://127.0.0.1:{port}/metrics"
    node.wait_for("node_exporter", lambda: answers(url))

    def joules():
        lines = [line for line in get(url).splitlines() if line.startswith("node_rapl_package_joules_total{")]
        # A scrape that wakes the service waits for it, and counts until then.
        now = time.monotonic()
        return now, {line.split('index="')[1].split('"')[0]: float(line.split()[-1]) for line in lines}

    (first, before) = joules()
    time.sleep(SECONDS)
    (last, after) = joules()
    shown = [(after[str(index)] - before[str(index)]) / (last - first) for index in range(len(WATTS))]
    for watts, expected in zip(shown, WATTS):
        within("node_exporter", watts, expected)
    node.end()
    return ", ".join(f"{watts:.2f} W" for watts in shown)


@check("s-tui shows the watts of both packages and of the cores")
def _():
    os.mkdir(path("s-tui"))
    os.chmod(path("s-tui"), 0o777)
    file = path("s-tui/log.csv")
    # It needs a terminal with a size.
    tmux = f"tmux -S {path('s-tui/tmux')}"
    child = started(
        "s-tui", "sh", "-c",
        f"{tmux} new-session -d -x 150 -y 50 's-tui -c --csv-file {file}' && sleep {SECONDS + 20}; {tmux} kill-server",
        environment={"TERM": "xterm", "SHELL": "/bin/sh", "HOME": path("s-tui"), "XDG_CONFIG_HOME": path("s-tui")})

    def rows():
        if not os.path.exists(file):
            return []
        with open(file, encoding="utf-8") as log:
            return list(csv.DictReader(log))

    # The first is of the time before its first reading.
    shown = wait_for("s-tui's log", lambda: (found := rows()) and len(found) > SECONDS // 3 and found, SECONDS + 20)[1:]
    for column, expected in (("package-0,0", WATTS[0]), ("package-1,0", WATTS[1]), ("core,0", 0.7 * WATTS[0])):
        values = [float(row[f"Power:{column}"]) for row in shown if row[f"Power:{column}"]]
        expect(values, f"s-tui shows nothing for {column}: {child.output()[-500:]}")
        within(f"s-tui's {column}", sum(values) / len(values), expected, step=0.1)
    child.end()
    return f"{len(shown)} rows, the last {shown[-1]['Power:package-0,0']} W and {shown[-1]['Power:package-1,0']} W"
