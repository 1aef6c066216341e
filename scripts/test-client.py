#!/usr/bin/env python3
"""An example client of pkg-watt-stat: prints what the CPU packages draw.

Standard library only. The service sends one JSON object a line, the first one at once, then one for each sample.
"""

import argparse
import json
import pathlib
import socket
import sys
import time

PATHS = ["/run/pkg-watt-stat/pkg-watt-stat.sock", "/tmp/pkg-watt-stat.sock"]


def connect(paths):
    """Connects to the first path where a service answers."""
    for path in paths:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(path)
            return connection
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
    script = pathlib.Path(__file__).resolve().parent / "start"
    # Installed, it has no scripts beside it.
    start = f"{script}" if script.exists() else "sudo pkg-watt-stat serve"
    if len(paths) == 1:
        sys.exit(f"No service answers at {paths[0]}; start one there with: {start} --socket {paths[0]}")
    sys.exit(
        f"No service answers at {' or '.join(paths)}; start it with: sudo systemctl start pkg-watt-stat.service, "
        f"or by hand with: {start}"
    )


def main():
    parser = argparse.ArgumentParser(description="Print what the CPU packages draw.")
    parser.add_argument("--socket", help="the service's socket (default: both well-known paths)")
    parser.add_argument("--count", type=int, default=1, help="how many readings to print (default: 1)")
    arguments = parser.parse_args()

    connection = connect([arguments.socket] if arguments.socket else PATHS)
    # The first line comes within 1.5 s; after that, as slowly as the service was told to sample.
    connection.settimeout(5)
    # A stream has no message borders: makefile() puts lines together, however they arrive.
    with connection, connection.makefile("r", encoding="ascii", newline="\n") as lines:
        for _ in range(arguments.count):
            line = lines.readline()
            if not line:
                sys.exit("The service closed the connection: it has no reading to give; its log says why.")
            connection.settimeout(None)
            try:
                reading = json.loads(line)
                age = time.time() - reading["timestamp"]
                watts = float(reading["power_watts"])
            except (ValueError, KeyError, TypeError):
                sys.exit("What answers there is not pkg-watt-stat.")
            print(f"{watts:.2f} W  {reading['status']}, {age:.1f} s old", flush=True)


if __name__ == "__main__":
    try:
        main()
    except socket.timeout:
        sys.exit("The service sends nothing.")
    except OSError as error:
        sys.exit(f"The service cannot be read: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
