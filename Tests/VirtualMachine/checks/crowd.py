"""A crowd of clients that come one after the other, as an ordinary user, while something happens to the service."""

import json
import subprocess
import sys

from harness import expect
from service import PATHS

# Until its stdin ends, a client comes every 20 ms; each goes with its first line.
SCRIPT = """
import json, selectors, socket, sys, time
path = sys.argv[1]
selector = selectors.DefaultSelector()
selector.register(sys.stdin, selectors.EVENT_READ)
said = dict(came=0, refused=0, missed=0, served=0, cut=0, longest=0.0, reason="")
waiting, coming = {}, True
next_one = time.monotonic()
while coming or waiting:
    now = time.monotonic()
    if coming and now >= next_one:
        next_one = now + 0.02
        said["came"] += 1
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            client.connect(path)
        except OSError as error:
            said["missed" if isinstance(error, FileNotFoundError) else "refused"] += 1
            said["reason"] = str(error)
            client.close()
        else:
            waiting[client] = now
            selector.register(client, selectors.EVENT_READ)
    for key, _ in selector.select(max(0, next_one - time.monotonic()) if coming else 20):
        if key.fileobj is sys.stdin:
            coming = False
            selector.unregister(sys.stdin)
            continue
        client = key.fileobj
        try:
            line = client.recv(1024)
        except OSError as error:
            line, said["reason"] = b"", str(error)
        if said["served"] == 0: print("served", flush=True)
        said["served" if line.endswith(b"\\n") else "cut"] += 1
        said["longest"] = max(said["longest"], time.monotonic() - waiting.pop(client))
        selector.unregister(client)
        client.close()
    if not coming and waiting and time.monotonic() - max(waiting.values()) > 30: break
said["unserved"] = len(waiting)
print(json.dumps(said))
"""


class Crowd:
    def __init__(self, path=PATHS[1]):
        command = ["setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "--", sys.executable, "-ISc", SCRIPT, path]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        # What happens next, happens to clients that are there.
        self.process.stdout.readline()

    def end(self, cut=0, missed=0):
        """Ends the stream of clients. None may have been refused or left unserved, and only so many cut off, or have missed the socket."""
        output, _ = self.process.communicate(timeout=90)
        said = json.loads(output)
        expect(said["refused"] == 0 and said["unserved"] == 0 and said["cut"] <= cut and said["missed"] <= missed, f"{said}")
        expect(said["came"] > 20, f"too few clients: {said}")
        return f"{said['came']} clients, {said['cut']} cut off, the longest wait {said['longest']:.1f} s"
