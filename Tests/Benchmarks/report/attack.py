"""One user who wants all of the service, on a core of their own: what others notice of it, and what it costs.

The reference of each row is the same user with as many connections who asks for nothing.
"""

import json
import os
import subprocess

# A user's connections, less a few that those who watch may need.
CONNECTIONS = 4000
KINDS = ("requests", "history", "escapes", "subscribes")
# "At most 5 ms later", "within 100 ms", "at most 5 % of a core beside accepting".
MOST_LATER_MS, MOST_CONNECT_MS, MOST_SHARE = 5, 100, 5


class Seen:
    """What was seen of an attack: how late lines came to others, how long others took to connect, and what it cost."""

    def __init__(self, server, programs, kind, connections, seconds):
        os.sched_setaffinity(server.process.pid, {0})
        for task in os.listdir(f"/proc/{server.process.pid}/task"):
            os.sched_setaffinity(int(task), {0})
        others = ["taskset", "-c", "1"]

        def start(*command):
            return subprocess.Popen([*others, *command], stdout=subprocess.PIPE, text=True)

        attack = start(programs.attack, server.path, kind, str(connections), str(seconds + 6))
        if attack.stdout.readline() != "connected\n":
            raise SystemExit(f"benchmark: the attack {kind} did not begin")
        before = server.cpu_seconds()
        crowd = start(programs.crowd, server.path, "20", str(seconds))
        crowd.stdout.readline()
        newcomers = start(programs.newcomers, server.path, str(seconds))
        lines, connects = (json.loads(each.communicate()[0] or "null") for each in (crowd, newcomers))
        cpu = server.cpu_seconds() - before
        self.attack = json.loads(attack.communicate()[0] or "null")
        if None in (lines, connects, self.attack):
            raise SystemExit(f"benchmark: those who watched the attack {kind} were not served")
        self.line_ms, self.connect_ms, self.lost = lines["last_client_p99_ms"], connects["most_ms"], lines["lost"]
        self.share = cpu / (seconds + 2) * 100


def rows(table, programs, service, seconds):
    if len(os.sched_getaffinity(0)) < 2:
        return table.note("No row of an attack: it needs two cores.")
    for kind, connections in [(kind, CONNECTIONS) for kind in KINDS] + [("connects", 0)]:
        with service() as server:
            quiet = Seen(server, programs, "quiet", connections, seconds)
        with service() as server:
            attacked = Seen(server, programs, kind, connections, seconds)
        name = f"one user, {kind}: "
        table.row(name + "later than p99 ms", max(attacked.line_ms - quiet.line_ms, 0), most=MOST_LATER_MS)
        table.row(name + "longest connect, ms", attacked.connect_ms, quiet.connect_ms, most=MOST_CONNECT_MS)
        table.row(name + "lines lost by others", attacked.lost, most=0, digits=0)
        if kind == "connects":
            table.row(name + "% of a core", attacked.share - quiet.share)
            table.note(f"{attacked.attack['connected']:,} connections came and went in {seconds + 6} s.")
        else:
            table.row(name + "% of a core more", attacked.share - quiet.share, most=MOST_SHARE)
