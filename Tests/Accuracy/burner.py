"""Uses CPU time in a cgroup of its own: burner.py NAME CGROUP KIND NUMBER...

    steady SHARE     this share of a CPU, in every tenth of a second
    waves SECONDS    a whole CPU for so long, then nothing for as long, and so on
    short SECONDS    one process after the other, each of which uses so much CPU time and ends; as long a pause between them
The name is only to be found in its command line. It begins when it reads a line, and runs until it is killed, or until the script
has ended.
"""

import ctypes
import os
import signal
import sys
import time


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def main():
    _, _, cgroup, kind, number = sys.argv
    number = float(number)
    # PR_SET_PDEATHSIG: nothing burns on if the script is killed.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    with open(os.path.join(cgroup, "cgroup.procs"), "w", encoding="ascii") as file:
        file.write(str(os.getpid()))
    print("ready", flush=True)
    sys.stdin.readline()
    while True:
        if kind == "steady":
            due = time.monotonic() + 0.1
            burn(0.1 * number)
            time.sleep(max(due - time.monotonic(), 0))
        elif kind == "waves":
            due = time.monotonic() + number
            while time.monotonic() < due:
                pass
            time.sleep(number)
        else:
            child = os.fork()
            if child == 0:
                burn(number)
                os._exit(0)
            os.waitpid(child, 0)
            time.sleep(number)


main()
