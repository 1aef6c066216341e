"""Many clients: what each line costs, whether it comes, when the last client has it, and what a client takes."""

import json
import subprocess
import time


def serve(server, programs, clients, seconds):
    """A crowd is served; its report, the CPU time of each line in microseconds, and the memory of each client in bytes."""
    before = server.memory("Private")
    process = subprocess.Popen(
        [programs.crowd, server.path, str(clients), str(seconds)], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    time.sleep(2.5)
    began, cpu = time.monotonic(), server.cpu_seconds()
    memory = (server.memory("Private") - before) * 1024 / clients
    time.sleep(seconds - 1)
    cpu = server.cpu_seconds() - cpu
    took = time.monotonic() - began
    report = json.loads(process.communicate()[0] or "null")
    if report is None:
        raise SystemExit("benchmark: the crowd was not served")
    return report, cpu / (clients * took) * 1e6, memory


def short_rows(table, programs, service):
    with service() as server:
        report, _, memory = serve(server, programs, 4000, 5)
    table.row("4,000 clients: lines lost", report["lost"], most=0, digits=0)
    table.row("4,000 clients: bytes for each client", memory, most=5 * 1024, digits=0)


def rows(table, programs, service, floor, seconds):
    for clients in (100, 1000, 10_000):
        with service() as server:
            report, cpu, memory = serve(server, programs, clients, seconds)
        with floor() as server:
            _, reference, _ = serve(server, programs, clients, seconds)
        name = f"{clients:,} clients: "
        table.row(name + "CPU us for each line", cpu, reference, most_ratio=1.5, digits=2)
        table.row(name + "lines lost", report["lost"], most=0, digits=0)
        table.row(name + "sample to last client, p99 ms", report["last_client_p99_ms"])
        if clients >= 1000:
            table.row(name + "bytes for each client", memory, most=5 * 1024, digits=0)
