"""Clients that misbehave, in a process of their own: clients.py KIND PATH COUNT.

Prints a line once they have begun, and ends with its stdin; what they saw is then printed as JSON.
"""

import json
import resource
import selectors
import socket
import sys
import time

# Thousands of connections are more than some machines allow at first.
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
kind, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
REQUEST = b'{"get": "info"}\n'
seen = dict.fromkeys(("connected", "refused", "answers", "lines", "ended"), 0)


def connect(blocking=True):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.setblocking(blocking)
    try:
        client.connect(path)
    except (BlockingIOError, ConnectionError):
        # The backlog is full, or nobody serves any more.
        seen["refused"] += 1
        client.close()
        return None
    client.setblocking(False)
    seen["connected"] += 1
    return client


def crowd(blocking=True):
    return [client for _ in range(count) if (client := connect(blocking))]


def send(client, data):
    try:
        return client.send(data)
    except BlockingIOError:
        return 0
    except OSError:
        seen["ended"] += 1
        return -1


def read(client):
    try:
        data = client.recv(65536)
    except BlockingIOError:
        return
    except OSError:
        data = b""
    if not data:
        seen["ended"] += 1
        return
    seen["lines"] += data.count(b'"power_watts"')
    seen["answers"] += data.count(b'{"info"') + data.count(b'{"error"')


class Ending:
    """Whether stdin has ended."""

    def __init__(self):
        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin, selectors.EVENT_READ)

    def within(self, seconds):
        return bool(self._selector.select(seconds))


def leave_root():
    """From here on somebody else, as far as that is possible."""
    import os

    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)


def idles(ending):
    """As many connections as there may be; those that are closed are seen at the end."""
    leave_root()
    clients = crowd()
    yield
    ending.within(None)
    for client in clients:
        read(client)


def attacks(ending):
    """All that one user can do at once: thousands of connections, every request as fast as it goes, and connects without end.

    On a core of their own, so that it is the service that they keep busy, and not those who watch.
    """
    import os

    os.sched_setaffinity(0, [sorted(os.sched_getaffinity(0))[-1]])
    os.nice(19)
    leave_root()
    requests = [
        REQUEST * 20, b'{"get": "sample"}\n' * 20, b'{"get": "history", "seconds": 86400}\n' * 20,
        b'{"get": "' + b"\\u00e9" * 675 + b'"}\n', b'{"subscribe": "sample", "interval_seconds": 0.25}\n']
    clients = crowd()
    for client in clients:
        send(client, b'{"subscribe": "none"}\n')
    yield
    place = 0
    while not ending.within(0):
        for _ in range(200):
            client = clients[place % len(clients)]
            send(client, requests[place % len(requests)])
            read(client)
            place += 1
            newcomer = connect(blocking=False)
            if newcomer:
                newcomer.close()


def never_reads(ending):
    clients = crowd()
    yield
    ending.within(None)
    del clients


def floods(ending):
    """Half of them never read what they are answered."""
    clients = crowd()
    yield
    while not ending.within(0):
        clients = [client for client in clients if send(client, REQUEST * 64) >= 0]
        for client in clients[::2]:
            read(client)


def sends_binary(ending):
    import os

    clients = crowd()
    yield
    while not ending.within(0.001):
        for number, client in enumerate(clients):
            # Some begin as a request does, and never end.
            first = b"{" if number % 2 else b""
            if send(client, first + os.urandom(4096).replace(b"\n", b"")) < 0:
                clients[number] = connect()


def half_closes(ending):
    clients = crowd()
    for client in clients:
        client.send(b"\n")
        client.shutdown(socket.SHUT_WR)
    yield
    while not ending.within(0.1):
        for client in clients:
            read(client)


def resets(ending):
    """Go with lines unread, which is what resets a Unix socket: the service gets ECONNRESET or EPIPE. Some go at once."""
    yield
    waiting = []
    while not ending.within(0.002):
        client = connect()
        send(client, REQUEST * (len(waiting) % 3))
        waiting.append(client)
        if len(waiting) > count:
            waiting.pop(0).close()
        if seen["connected"] % 5 == 0:
            waiting.pop().close()


def dribbles(ending):
    clients = crowd()
    yield
    place = 0
    while not ending.within(1):
        for client in clients:
            send(client, REQUEST[place:place + 1])
            read(client)
        place = (place + 1) % len(REQUEST)


def bursts(ending):
    clients = crowd(blocking=False)
    yield
    ending.within(None)
    for client in clients:
        read(client)


def counts_ends(ending):
    """Reads all until the service ends; every line must be whole."""
    selector = selectors.DefaultSelector()
    tails = dict.fromkeys(crowd(), b"")
    for client in tails:
        selector.register(client, selectors.EVENT_READ)
    yield
    while tails and not ending.within(0):
        for key, _ in selector.select(0.1):
            client = key.fileobj
            try:
                data = client.recv(65536)
            except ConnectionResetError:
                data = b""
            if data:
                seen["lines"] += data.count(b"\n")
                tails[client] = data[-1:]
                continue
            seen["ended"] += 1
            seen["half"] = seen.get("half", 0) + (tails.pop(client) not in (b"", b"\n"))
            selector.unregister(client)
            client.close()


ending = Ending()
running = globals()[kind](ending)
next(running)
print("begun", flush=True)
began = time.monotonic()
next(running, None)
print(json.dumps(seen))
