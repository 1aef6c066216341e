"""How each foreign program is asked for the watts. Each function runs one in a place, and gives what it shows by its own names."""

import csv
import os
import re
import time
from datetime import datetime

from harness import expect
from overlay import Screen
from places import CONSUMERS, Nothing, SECONDS, shown
from processes import Impossible, answers, free_port, get

# By name: the function, a step of its display in watts, whether it is of a newer Debian, and the CPU that it is tried on.
PROGRAMS = {}


def program(name, step=0.01, newer=False, cpu="intel"):
    def add(function):
        PROGRAMS[name] = (function, step, newer, cpu)
        return function

    return add


def means(rows):
    """The mean of each column of rows of numbers by name."""
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]} if rows else {}


@program("node_exporter")
@program("node_exporter of a newer Debian", newer=True)
def node_exporter(place):
    port = free_port()
    child = place.start(
        "prometheus-node-exporter", "--collector.disable-defaults", "--collector.rapl",
        f"--web.listen-address=127.0.0.1:{port}")
    url = f"http://127.0.0.1:{port}/metrics"
    child.wait_for("node_exporter", lambda: answers(url), 60)

    def joules():
        # Prometheus takes the time when it asks.
        now = time.monotonic()
        text = get(url)
        lines = [line for line in text.splitlines() if line.startswith("node_rapl_package_joules_total{")]
        if not lines:
            raise Nothing(re.search('.*collector_success{collector="rapl"}.*', text)[0])
        return now, {f"package-{line.split('index=')[1][1]}": float(line.split()[-1]) for line in lines}

    (first, before) = joules()
    time.sleep(SECONDS)
    (last, after) = joules()
    child.end()
    return {name: (after[name] - before[name]) / (last - first) for name in after}


@program("s-tui", step=0.1)
@program("s-tui of a newer Debian", step=0.1, newer=True)
def s_tui(place):
    file = place.file("log.csv")
    # It needs a terminal with a size.
    tmux = f"tmux -S {place.file('socket')}"
    child = place.start(
        "sh", "-c",
        f"{tmux} new-session -d -x 150 -y 50 's-tui -c --csv-file {file}' && sleep {SECONDS + 90}; {tmux} kill-server")

    def rows():
        if not os.path.exists(file):
            return []
        with open(file, encoding="utf-8") as log:
            return list(csv.DictReader(log))

    # The first is of the time before its first reading.
    found = child.wait_for("s-tui's log", lambda: (all := rows()) and len(all) > SECONDS // 2 and all, SECONDS + 60)[1:]
    place.run("tmux", "-S", place.file("socket"), "kill-server")
    child.end()
    names = {f"package-{index}": f"Power:package-{index},0" for index in (0, 1)}
    return shown(means([
        {name: float(row[column]) for name, column in names.items()} for row in found
        if all(row.get(column) for column in names.values())]))


@program("MangoHud", step=1)
@program("MangoHud of a newer Debian", step=1, newer=True)
def mangohud(place):
    screen = Screen(place)
    child = place.start(
        "mangohud", "vkcube", "--width", str(screen.width), "--height", str(screen.height),
        environment={"DISPLAY": screen.display, **screen.environment})
    seen = []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end or (not seen and time.monotonic() < end + SECONDS):
        expect(child.process.poll() is None, f"vkcube has ended: {child.output()[-500:]}")
        time.sleep(2)
        if (watts := screen.watts()) is not None:
            seen.append(watts)
    screen.keep(place.name)
    child.end()
    screen.end()
    expect(seen, "the overlay has no number")
    # The first ones are of the time before its first reading. It shows whole watts.
    return shown({"package-0": sorted(seen)[len(seen) // 2]})


@program("powercap-info")
def powercap_info(place):
    # It shows the counters: the time is taken before.
    output, _ = place.run("sh", "-c", f"date +%s.%N; powercap-info intel-rapl; sleep {SECONDS}; date +%s.%N; powercap-info intel-rapl")
    times = [float(line) for line in re.findall(r"^\d+\.\d+$", output, re.M)]
    found = re.findall(r"name: (package-\d)\n(?: .*\n)*?  energy_uj: (\d+)$", output, re.M)
    if not found:
        raise Nothing("no energy_uj")
    half = len(found) // 2
    return {
        name: (int(after) - int(before)) / 1e6 / (times[1] - times[0])
        for (name, before), (_, after) in zip(found[:half], found[half:])}


@program("PCP's denki", step=0.1)
def denki(place):
    pcp = os.path.join(CONSUMERS, "pcp")
    if not os.path.exists(f"{pcp}/usr/bin/pmval"):
        raise Impossible("PCP is not here: scripts/check-consumers unpacks it")
    output, code = place.run(
        f"{pcp}/usr/bin/pmval", "-L", "-K", "clear", "-K", f"add,156,{pcp}/usr/lib/pcp/pmdas/denki/pmda_denki.so,denki_init",
        "-n", f"{pcp}/usr/lib/pcp/pmdas/denki/root_denki", "-i", "0-package-0,1-package-1", "-t", "5", "-s",
        str(SECONDS // 5 + 1), "denki.rapl.rate", environment={"PCP_BINADM_DIR": f"{pcp}/usr/lib/pcp/bin"})
    rows = [line.split() for line in output.split("\n") if re.fullmatch(r"\s*[\d.]+\s+[\d.]+\s*", line)]
    expect(rows, f"pmval ended with {code}: {output[-500:]}")
    return shown(means([{"package-0": float(first), "package-1": float(second)} for first, second in rows]))


@program("CodeCarbon")
def codecarbon(place):
    return place.python("codecarbon_.py")


@program("pyJoules")
def pyjoules(place):
    return place.python("pyjoules_.py")


@program("pyRAPL")
def pyrapl(place):
    return place.python("pyrapl_.py")


@program("carbontracker")
def carbontracker(place):
    return place.python("carbontracker_.py")


@program("Zeus")
def zeus(place):
    return place.python("zeus_.py")


@program("perun")
def perun(place):
    with open(place.file("wait.py"), "w", encoding="utf-8") as script:
        script.write(f"import time\ntime.sleep({SECONDS})\n")
    python = os.path.join(CONSUMERS, "python/bin")
    if not os.path.exists(f"{python}/perun"):
        raise Impossible("perun is not here: scripts/check-consumers installs it")
    output, _ = place.run(f"{python}/python", f"{python}/perun", "monitor", "--format", "text", "wait.py")
    results = place.file("perun_results")
    texts = [name for name in os.listdir(results) if name.endswith(".txt")] if os.path.exists(results) else []
    expect(texts, f"perun wrote nothing: {output[-500:]}")
    with open(os.path.join(results, texts[0]), encoding="utf-8") as text:
        table = [[cell.strip() for cell in line.split("|")] for line in text if line.startswith("|")]
    row = dict(zip(table[0], table[2]))
    # Packages and memories.
    return shown({"all": float(row["POWER"].removesuffix(" W"))} if row.get("POWER") else {})


@program("btop", step=0.1, newer=True)
def btop(place):
    tmux = f"tmux -S {place.file('socket')}"
    child = place.start("sh", "-c", f"{tmux} new-session -d -x 200 -y 50 btop && sleep {SECONDS + 90}; {tmux} kill-server")
    rows, text = [], ""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(2)
        expect(child.process.poll() is None, f"btop has ended: {child.output()[-500:]}")
        text, _ = place.run("tmux", "-S", place.file("socket"), "capture-pane", "-p")
        if (found := re.search(r"([\d.]+)W\b", text)) is not None:
            rows.append({"package-0": float(found[1])})
    place.run("tmux", "-S", place.file("socket"), "kill-server")
    child.end()
    expect(rows or "cpu" in text, f"btop shows {text[:300]!r}")
    # The first is of the time before its first reading.
    return shown(means(rows[2:]))


@program("stress-ng", newer=True)
def stress_ng(place):
    output, code = place.run("stress-ng", "--cpu", "1", "--cpu-load", "1", "--rapl", "--timeout", str(SECONDS))
    watts = {f"package-{index}": float(found) for index, found in re.findall(r" pkg-(\d) +([\d.]+) W", output)}
    if not watts:
        raise Nothing((re.findall(r".*RAPL.*", output) or [f"exit code {code}"])[0])
    return watts


@program("powerstat", newer=True)
def powerstat(place):
    # It measures for a minute at least.
    output, code = place.run("powerstat", "-R", "-D", "-z", "-d", "0", "2", "30")
    domains = re.search(r"RAPL domains: (.*)\.", output)
    average = re.search(r"^ *Average (.*)$", output, re.M)
    if not (domains and average):
        raise Nothing((output.strip().split("\n") or [f"exit code {code}"])[-1])
    names = domains[1].split(", ")
    values = dict(zip(names, (float(value) for value in average[1].split()[-len(names):])))
    return shown({f"package-{index}": values[f"pkg-{index}"] for index in (0, 1) if values.get(f"pkg-{index}")})


# It knows no zone psys-1, which the kernel has too if two packages have such a register: AMD's have none.
@program("Alumet", newer=True, cpu="amd")
def alumet(place):
    output, code = place.run(
        "timeout", "-s", "INT", str(SECONDS + 2), "alumet-agent", "--plugins", "rapl,csv", seconds=SECONDS + 60)
    file = place.file("alumet-output.csv")
    if not os.path.exists(file):
        raise Nothing(f"exit code {code}: {output[-200:]}")
    with open(file, encoding="utf-8") as log:
        rows = [row for row in csv.DictReader(log, delimiter=";") if row["metric"].startswith("rapl_consumed_energy")]
    if not rows:
        raise Nothing((re.findall(r"\d+: (.*denied.*)", output) or [f"exit code {code}"])[-1])
    watts = {}
    for index in ("0", "1"):
        mine = [
            (datetime.fromisoformat(row["timestamp"][:26]), float(row["value"])) for row in rows
            if row["domain"] == "package" and row["resource_id"] == index]
        # The first is of the time before its first reading.
        seconds = (mine[-1][0] - mine[0][0]).total_seconds()
        watts[f"package-{index}"] = sum(joules for _, joules in mine[1:]) / seconds
    return watts
