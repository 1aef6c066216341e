#!/usr/bin/env python3
"""An example client of pkg-watt-stat: prints the power of the CPU packages.

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
    """Connects to the first path at which a service answers."""
    for path in paths:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(path)
            return connection
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
    script = pathlib.Path(__file__).resolve().parent / "start"
    # An installed client has no scripts beside it.
    start = f"{script}" if script.exists() else "sudo pkg-watt-stat serve"
    if len(paths) == 1:
        sys.exit(f"No service answers at {paths[0]}; start one there with: {start} --socket {paths[0]}")
    sys.exit(
        f"No service answers at {' or '.join(paths)}; start it with: sudo systemctl start pkg-watt-stat.service, "
        f"or by hand with: {start}"
    )


def main():
    parser = argparse.ArgumentParser(description="Print the power of the CPU packages.")
    parser.add_argument("--socket", help="the service's socket (default: both well-known paths)")
    parser.add_argument("--count", type=int, default=1, help="how many readings to print (default: 1)")
    arguments = parser.parse_args()

    connection = connect([arguments.socket] if arguments.socket else PATHS)
    # The first line comes within 1.5 s, the others at the service's interval.
    connection.settimeout(5)
    # A stream has no message boundaries: makefile() assembles the lines.
    with connection, connection.makefile("r", encoding="ascii", newline="\n") as lines:
        for _ in range(arguments.count):
            line = lines.readline()
            if not line:
                sys.exit("The service closed the connection: it has no reading; see its log.")
            connection.settimeout(None)
            try:
                reading = json.loads(line)
                age = time.time() - reading["timestamp"]
                watts = float(reading["power_watts"])
            except (ValueError, KeyError, TypeError):
                sys.exit("The server does not speak pkg-watt-stat's protocol.")
            print(f"{watts:.2f} W  {reading['status']}, {age:.1f} s old", flush=True)


if __name__ == "__main__":
    try:
        main()
    except socket.timeout:
        sys.exit("The service sent nothing for 5 s.")
    except OSError as error:
        sys.exit(f"Cannot read from the service: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
