"""What the service takes while nobody asks for anything, or one client does."""

import socket
import time


def watch(server, seconds):
    """Wakeups a minute and CPU seconds an hour."""
    wakeups, cpu = server.wakeups(), server.cpu_seconds()
    time.sleep(seconds)
    return (server.wakeups() - wakeups) * 60 / seconds, (server.cpu_seconds() - cpu) * 3600 / seconds


def start_row(table, service):
    began = time.monotonic()
    with service() as server, socket.socket(socket.AF_UNIX) as client:
        client.connect(server.path)
        client.recv(1024)
        table.row("milliseconds from start to first line", (time.monotonic() - began) * 1000, digits=0)


def rows(table, service, floor):
    with service() as server, floor() as reference:
        time.sleep(4)
        table.row("resident kB", server.memory("Rss"), reference.memory("Rss"), digits=0)
        # What the kernel cannot drop and read again from the program's file.
        table.row(
            "of it private, and written to, kB", server.memory("Private_Dirty"), reference.memory("Private_Dirty"), digits=0)
        wakeups, cpu = watch(server, 125)
        table.row("no client: wakeups a minute", wakeups, watch(reference, 5)[0], most=1.5)
        table.row("no client: CPU seconds an hour", cpu, digits=2)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(server.path)
            time.sleep(1)
            wakeups, cpu = watch(server, 30)
            table.row("one client: wakeups a minute", wakeups)
            table.row("one client: CPU seconds an hour", cpu, digits=2)
