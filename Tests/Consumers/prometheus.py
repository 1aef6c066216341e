"""Prometheus, promtool, and node_exporter's textfile collector."""

import json
import os
import subprocess
import urllib.parse

from harness import Impossible, check, expect, run, wait_for
from processes import Child, Service, answers, free_port, get, path, write

RULES = os.path.join(os.environ["TOP"], "scripts/prometheus")
WATTS = [42.5, 17.25]


def promtool(*arguments, text=None):
    try:
        done = subprocess.run(
            ["promtool", *arguments], input=text, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        raise Impossible("promtool is not installed: scripts/setup --consumers") from None
    expect(done.returncode == 0, f"promtool {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


@check("promtool finds nothing wrong with the metrics")
def _():
    said = promtool("check", "metrics", text=get(Service.simulated().url + "metrics"))
    expect(said == "", said)


@check("promtool and Prometheus take the metrics of units, whatever their names, and their joules grow as the package's do")
def _():
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        points = [line.split()[4] for line in mounts if " - cgroup2 " in line]
    if not points or not os.access(points[0], os.W_OK):
        raise Impossible("needs root, and cgroup v2")
    name = r'pkg-watt-stat-check"},row="idle"} 1 \x0apkg_watt_stat_up 0 \x1b[2J \x00.service'
    group = f"{points[0]}/{name}"
    os.mkdir(group)
    service = Service("units", "--source", "simulated", exporter=("--units", "1000"))
    busy = Child("busy", "sh", "-c", 'echo $$ >"$0/cgroup.procs"; while :; do :; done', group)
    try:
        port = free_port()
        config = write("units.yml", f"""
global: {{scrape_interval: 1s}}
scrape_configs: [{{job_name: units, static_configs: [{{targets: ["{service.url.split('/')[2]}"]}}]}}]
""")
        server = Child(
            "prometheus-units", "prometheus", f"--config.file={config}", f"--storage.tsdb.path={path('tsdb-units')}",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn")
        api = f"http://127.0.0.1:{port}/api/v1"

        def query(expression):
            return json.loads(get(f"{api}/query?query={urllib.parse.quote(expression)}"))["data"]["result"]

        server.wait_for("Prometheus", lambda: answers(f"http://127.0.0.1:{port}/-/ready"))
        energy = "pkg_watt_stat_unit_energy_joules_total"
        ours = f'{energy}{{cgroup=~"/pkg-watt-stat-check.*"}}'
        server.wait_for("joules of the unit", lambda: any(float(each["value"][1]) > 0 for each in query(ours)))
        said = promtool("check", "metrics", text=get(service.url + "metrics"))
        expect(said == "", said)
        labels = query(ours)[0]["metric"]
        expect(labels["cgroup"] == f"/{name}" and labels["row"] == "unit", f"{labels}")
        unit = name.replace(r"\x0a", "\n").replace(r"\x1b", "\x1b").replace(r"\x00", "\0")
        expect(labels["unit"] == unit, f"{labels}")
        server.wait_for("12 scrapes", lambda: float(query(f"max(count_over_time({energy}[1m]))")[0]["value"][1]) >= 12)
        units, package = (
            float(query(f"sum(increase({metric}[8s]))")[0]["value"][1])
            for metric in (energy, 'pkg_watt_stat_energy_joules_total{domain="package"}'))
        expect(abs(units - package) <= package * 0.25, f"units: {units} J, package: {package} J")
        server.end()
        return f"units {units:.2f} J, package {package:.2f} J"
    finally:
        busy.end()
        service.exporter.end()
        wait_for("the end of the cgroup", lambda: removed(group))


def removed(folder):
    try:
        os.rmdir(folder)
    except OSError:
        return False
    return True


@check("promtool finds nothing wrong with the recording rules, and they compute what they say")
def _():
    promtool("check", "rules", f"{RULES}/rules.yml")
    return promtool("test", "rules", f"{RULES}/rules-test.yml").split()[-1]


@check("Prometheus scrapes OpenMetrics, and a query returns the joules and the watts of both packages")
def _():
    service = Service.device(WATTS)
    port = free_port()
    config = write("prometheus.yml", f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{RULES}/rules.yml"]
scrape_configs:
  - job_name: pkg-watt-stat
    static_configs: [{{targets: ["{service.url.split('/')[2]}"]}}]
""")
    server = Child(
        "prometheus", "prometheus", f"--config.file={config}", f"--storage.tsdb.path={path('tsdb')}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn")
    api = f"http://127.0.0.1:{port}/api/v1"

    def query(expression):
        answer = json.loads(get(f"{api}/query?query={urllib.parse.quote(expression)}"))
        return {
            (each["metric"].get("package"), each["metric"].get("domain")): float(each["value"][1])
            for each in answer["data"]["result"]}

    server.wait_for("Prometheus", lambda: answers(f"http://127.0.0.1:{port}/-/ready"))
    joules = 'pkg_watt_stat_energy_joules_total{domain="package"}'
    server.wait_for("12 scrapes", lambda: (query(f"count_over_time({joules}[1m])") or {None: 0}).popitem()[1] >= 12)
    rates = query(f"rate({joules}[10s])")
    for package, watts in enumerate(WATTS):
        rate = rates[(str(package), "package")]
        # A scrape is stamped when it begins, and what it reads is up to an interval older.
        expect(abs(rate - watts) <= watts * 0.25, f"package {package}: a rate of {rate} W")
    scraped = query(joules)
    ours = {
        (str(each["package"]), "package"): each["joules"]
        for each in json.loads(service.export("--format", "json"))["packages"]}
    for part, value in scraped.items():
        # Prometheus's are the earlier ones, by two scrapes at most, and rounded to 10 mJ, as root's are not.
        expect(-0.005 <= ours[part] - value <= 4 * max(WATTS), f"{part}: {value} J were scraped, and there are {ours[part]} J")
    gauges = query('pkg_watt_stat_power_watts{domain="package"}')
    for package, watts in enumerate(WATTS):
        gauge = gauges[(str(package), "package")]
        expect(abs(gauge - watts) <= watts * 0.01, f"package {package}: a gauge of {gauge} W")
    metadata = json.loads(get(f"{api}/targets/metadata?metric=pkg_watt_stat_energy_joules"))["data"]
    expect(metadata and metadata[0]["unit"] == "joules", f"no OpenMetrics unit: {metadata}")
    rule = query("instance:pkg_watt_stat_energy_joules:rate5m")
    expect(rule, "the recording rules gave nothing")
    server.end()
    return f"rates {', '.join(f'{rates[key]:.2f} W' for key in sorted(rates))}"


@check("node_exporter's textfile collector takes export's file, and each that follows")
def _():
    service = Service.simulated()
    port = free_port()
    os.mkdir(path("textfiles"))
    file = path("textfiles/pkg_watt_stat.prom")
    service.export("--format", "prometheus", "--output", file)
    node = Child(
        "node-exporter", "prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile",
        f"--collector.textfile.directory={path('textfiles')}", f"--web.listen-address=127.0.0.1:{port}")
    url = f"http://127.0.0.1:{port}/metrics"

    def joules():
        lines = [line for line in get(url).splitlines() if line.startswith("pkg_watt_stat_energy_joules_total{")]
        return sum(float(line.split()[-1]) for line in lines if 'domain="package"' in line)

    node.wait_for("node_exporter", lambda: answers(url))
    text = get(url)
    expect("node_textfile_scrape_error 0" in text, "the textfile collector reports an error")
    first = joules()
    expect(first > 0, "no joules")
    following = Child(
        "export-follow", "/usr/bin/env", os.environ["PROGRAM"], "export", "--socket", service.socket, "--format",
        "prometheus", "--follow", "--output", file)
    following.wait_for("later joules", lambda: joules() > first)
    expect("node_textfile_scrape_error 0" in get(url), "the textfile collector reports an error")
    following.end()
    expect(os.listdir(path("textfiles")) == ["pkg_watt_stat.prom"], f"{os.listdir(path('textfiles'))}")
    expect(oct(os.stat(file).st_mode & 0o777) == "0o644", "the file is not readable by others")
    node.end()
    return f"{first:.2f} J, then {run('grep', '-c', '^pkg_watt_stat_', file).strip()} values again and again"
